import { z } from 'zod'

/** The body of every HTTP error (RFC 9457). */
export const Problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().describe('What the status means.'),
    status: z.int(),
    detail: z.string().describe('What went wrong here, and the way out.'),
    instance: z.string().describe('The path that was asked for.'),
  })
  .meta({ id: 'Problem', description: 'An error, as RFC 9457 problem details.' })

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  416: 'Range Not Satisfiable',
  426: 'Upgrade Required',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
} as const

export type ProblemStatus = keyof typeof TITLES

/** A request cannot be served. Thrown by handlers, answered as problem details. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: ProblemStatus
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: ProblemStatus,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(detail, options)
    this.status = status
    this.headers = headers
  }

  /** The answer to a request for `path`. */
  toResponse(path: string): Response {
    const body: z.infer<typeof Problem> = {
      type: 'about:blank',
      title: TITLES[this.status],
      status: this.status,
      detail: this.message,
      instance: path,
    }
    const headers = { ...this.headers, 'content-type': 'application/problem+json' }
    return new Response(JSON.stringify(body), { status: this.status, headers })
  }
}
