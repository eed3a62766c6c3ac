/** Resolves when `isTrue` says so; rejects when it does not within `withinMs`. */
export async function until(isTrue: () => boolean, withinMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${isTrue}`)
    await Bun.sleep(1)
  }
}
