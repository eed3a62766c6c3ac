import { dlopen, ptr } from 'bun:ffi'

/** Of Linux: asm-generic/socket.h. */
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const INT_BYTES = 4

/**
 * Lets the system hold up to `bytes` of datagrams that have not been read yet, which Bun has no way
 * to ask for. The system grants `net.core.rmem_max` at most. Returns what it granted; `undefined`
 * where it cannot be asked, and keeps its default.
 */
export function setReceiveBuffer(fileDescriptor: number, bytes: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const { symbols, close } = dlopen('libc.so.6', {
      setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
      getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
    })
    const value = Int32Array.of(bytes)
    const length = Uint32Array.of(INT_BYTES)
    symbols.setsockopt(fileDescriptor, SOL_SOCKET, SO_RCVBUF, ptr(value), INT_BYTES)
    const result = symbols.getsockopt(
      fileDescriptor,
      SOL_SOCKET,
      SO_RCVBUF,
      ptr(value),
      ptr(length),
    )
    close()
    // socket(7): the system doubles what is asked for, to have room for its own needs.
    return result === 0 ? (value[0] ?? 0) / 2 : undefined
  } catch {
    return undefined
  }
}
