import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import fc from 'fast-check'
import { recordingName } from '#media/recorder/recording-name.ts'

describe('recordingName', () => {
  test.each([
    [{ id: 'a-1' }, 'a-1.wav', 'wav'],
    [{ id: 'a-1', format: 'ogg' as const }, 'a-1.ogg', 'ogg'],
    [{ id: 'a', recorderFile: 'x.ogg' }, 'x.ogg', 'ogg'],
    [{ id: 'a', recorderFile: 'x.OGG', format: 'wav' as const }, 'x.OGG.wav', 'wav'],
    [{ id: 'a', recorderFile: 'sales/{id}-{id}' }, 'sales/a-a.wav', 'wav'],
    [{ id: '~a:b', recorderFile: '{id}' }, '_a_b.wav', 'wav'],
    [{ id: '..', recorderFile: 'x{id}' }, 'x_...wav', 'wav'],
    [{ id: '$&', recorderFile: 'x{id}' }, 'x_.wav', 'wav'],
  ])('of %o is %s', (request, name, format) => {
    expect(recordingName(request)).toEqual({ name, format: format as 'wav' })
  })

  test.each(['..', '../x', 'x/..', '/x', 'x/', '.x', 'a//b', 'a\\b', 'a\0b', 'a\nb', 'a:b', '~x'])(
    '%p is refused',
    (recorderFile) => {
      expect(() => recordingName({ id: 'a', recorderFile })).toThrow('option.recorder.recorderFile')
    },
  )

  test('never leaves the directory, whatever is asked for', () => {
    const piece = fc.constantFrom('..', '.', '/', '\\', 'a', '{id}', ' ', '\0', '%2e', 'é', ':')
    const path = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(path, fc.oneof(fc.string({ minLength: 1 }), path), (recorderFile, id) => {
        let name: string
        try {
          name = recordingName({ recorderFile, id }).name
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_option' })
          return
        }
        expect(join('/root', name)).toBe(`/root/${name}`)
        for (const part of name.split('/')) {
          expect(part).toMatch(/^[^.\\\0]/)
          expect(Buffer.byteLength(part)).toBeLessThan(220)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
