import { MediaError } from './media-error.ts'

/**
 * Runs `act` with a signal that is aborted by `outer` or when `ms` have passed, and then rejects at
 * once, whether `act` listens or not. After `act` is done, only `outer` aborts the signal.
 *
 * Throws `MediaError` `timeout`, the reason of `outer`, or what `act` throws.
 */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted()
  const deadline = new AbortController()
  const timer = setTimeout(() => {
    deadline.abort(new MediaError('timeout', `url: no answer within ${ms / 1000} seconds`))
  }, ms)
  const signal = AbortSignal.any([outer, deadline.signal])
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([act(signal), aborted])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
