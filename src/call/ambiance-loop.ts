import { Ambiance } from '#media/ambiance.ts'
import type { Player } from '#media/player.ts'
import type { Loop } from '#media/source/loop-library.ts'
import { MediaError } from '#media/source/media-error.ts'
import type { AmbianceOption } from '#protocol/call-option.ts'
import type { CallDeps } from './call-deps.ts'

const LEVEL = 0.3
const DUCK_LEVEL = 0.1

/** Lets a call's ambiance be heard as soon as its file is there, until the call is over. */
export class AmbianceLoop {
  readonly #loop: Loop
  #isClosed = false

  /** `onError` is told when there is no such file, or it is too long for a loop. */
  constructor(
    openLoop: CallDeps['openLoop'],
    player: Player,
    { url, level = LEVEL, duckLevel = DUCK_LEVEL }: AmbianceOption,
    onError: (error: unknown) => void,
  ) {
    this.#loop = openLoop(url, player.sampleRate)
    this.#loop.samples.then(
      (samples) => {
        if (this.#isClosed) return
        player.ambiance = new Ambiance(samples, player.sampleRate, { level, duckLevel })
      },
      (error: unknown) => {
        if (!this.#isClosed) onError(withField(error))
      },
    )
  }

  close(): void {
    this.#isClosed = true
    this.#loop.release()
  }
}

/** What is said of a `url` is said of that of `play`; this one stands in an option. */
function withField(error: unknown): unknown {
  if (!(error instanceof MediaError)) return error
  return new MediaError(error.code, `option.ambiance.${error.message}`, { cause: error })
}
