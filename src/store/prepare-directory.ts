import { accessSync, constants, mkdirSync } from 'node:fs'
import { StoreError } from './store-error.ts'

/**
 * Makes `directory` where there is none.
 *
 * @throws {StoreError} `cannot_open` unless it can be written to.
 */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK)
  } catch (cause) {
    const { code } = cause as { code?: string }
    const message = `DATA_DIR: cannot write to ${directory} (${code}); make it writable or set DATA_DIR`
    throw new StoreError('cannot_open', message, { cause })
  }
}
