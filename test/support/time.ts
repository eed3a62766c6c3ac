import { jest } from 'bun:test'

/** Lets everything that is due in microtasks happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve()
}

/** Lets `ms` of fake time pass in small steps, with the microtasks between them. */
export async function advance(ms: number): Promise<void> {
  await settle()
  for (let passed = 0; passed < ms; passed += 2) {
    jest.advanceTimersByTime(Math.min(2, ms - passed))
    await settle()
  }
}
