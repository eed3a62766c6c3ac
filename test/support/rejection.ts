/** What `promise` rejects with; fails the test when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error as Error
  }
  throw new Error(`expected a rejection, got ${Bun.inspect(value)}`)
}
