import type { MediaErrorCode } from './media-error.ts'

/** How the Worker opens files; sent once, when it starts. */
export interface MediaSettings {
  readonly mediaDir: string
  readonly allowPrivate: boolean
  readonly cacheDir: string
  readonly cacheMaxBytes: number
  /** How long a server may be silent; 10 s unless set. */
  readonly timeoutMs?: number
  /** The largest body of a URL; 100 MB unless set. */
  readonly maxBytes?: number
  /** The longest file or stream; 4 hours unless set. */
  readonly maxSeconds?: number
  /** How many redirects are followed; 5 unless set. */
  readonly maxRedirects?: number
}

/** What goes to the Worker. */
export type MediaRequest =
  | { readonly type: 'configure'; readonly settings: MediaSettings }
  | {
      readonly type: 'open'
      readonly id: number
      readonly url: string
      readonly sampleRate: number
    }
  /** So many samples have been played; as many more may come. */
  | { readonly type: 'played'; readonly id: number; readonly samples: number }
  | { readonly type: 'close'; readonly id: number }
  /** Whether the Worker still listens; to be answered at once. */
  | { readonly type: 'ping' }

/** What comes back. */
export type MediaReply =
  | { readonly type: 'audio'; readonly id: number; readonly samples: Int16Array }
  | { readonly type: 'end'; readonly id: number }
  | {
      readonly type: 'error'
      readonly id: number
      readonly code: MediaErrorCode
      readonly message: string
    }
  | { readonly type: 'fault'; readonly message: string }
  | { readonly type: 'pong' }
