import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { COMMAND_NAMES } from '#protocol/command.ts'
import { CommandError, parseCommand } from '#protocol/parse-command.ts'

const parse = (message: unknown) => parseCommand(JSON.stringify(message)).command
const refusal = (text: string): string => {
  try {
    parseCommand(text)
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError)
    return (error as Error).message
  }
  throw new Error(`accepted ${text}`)
}

const invite = (field: string) => `{"command":"invite","option":{${field}}}`

describe('parseCommand', () => {
  test.each([
    [
      {
        command: 'invite',
        option: { caller: '1', callee: '2', codec: 'g722', asr: { provider: 'tencent' } },
      },
    ],
    [{ command: 'accept', option: { offer: 'v=0\r\n', codec: 'g722' } }],
    [{ command: 'invite', option: {} }],
    [
      {
        command: 'tts',
        text: 'Hello',
        speaker: 's',
        playId: 'p',
        autoHangup: false,
        streaming: false,
        endOfStream: false,
        option: { provider: 'tencent' },
      },
    ],
    [{ command: 'play', url: 'http://example.com/audio.mp3', autoHangup: false }],
    [{ command: 'hangup', reason: 'user_requested', initiator: 'user' }],
    [{ command: 'interrupt' }],
    [{ command: 'pause' }],
    [{ command: 'resume' }],
    [{ command: 'mute', trackId: 't' }],
    [{ command: 'history', speaker: 'bot', text: 'hi' }],
  ])('takes %j as it stands', (message) => {
    expect(parse(message) as unknown).toEqual(message)
  })

  test('fills in what a command omits', () => {
    expect(parse({ command: 'invite' }) as unknown).toEqual({ command: 'invite', option: {} })
    expect(parse({ command: 'tts', text: '' })).toMatchObject({
      streaming: false,
      autoHangup: false,
    })
  })

  test('takes null for absent', () => {
    const option = { caller: null, tts: { speaker: null, extra: { keep: null } }, vad: null }
    expect(parse({ command: 'invite', option }) as unknown).toEqual({
      command: 'invite',
      option: { tts: { extra: { keep: null } } },
    })
    expect(parse({ command: 'hangup', reason: null }) as unknown).toEqual({ command: 'hangup' })
    expect(refusal('{"command":"tts","text":null}')).toStartWith('tts.text: ')
  })

  test('ignores unknown fields, and does not keep them', () => {
    expect(parse({ command: 'pause', colour: 'blue' }) as unknown).toEqual({ command: 'pause' })
  })

  test.each([
    [{ command: 'tts', text: '', end_of_stream: true }, { endOfStream: true }],
    [{ command: 'invite', option: { sampleRate: 8000 } }, { option: { samplerate: 8000 } }],
    [{ command: 'tts', text: '', option: { voice: 'x' } }, { option: { speaker: 'x' } }],
    [{ command: 'invite', option: { tts: { voice: 'x' } } }, { option: { tts: { speaker: 'x' } } }],
    [
      { command: 'invite', option: { asr: { apiKey: 'k', model: 'm' } } },
      { option: { asr: { secretKey: 'k', modelType: 'm' } } },
    ],
  ])('accepts other spellings in %j', (message, expected) => {
    expect(parse(message)).toMatchObject(expected as object)
  })

  test.each([
    ['{', 'message: is not valid JSON'],
    ['[]', 'message: must be a JSON object'],
    ['null', 'message: must be a JSON object'],
    ['"invite"', 'message: must be a JSON object'],
    ['{}', 'command: must be a string, is missing'],
    ['{"command":7}', 'command: must be a string, is missing'],
    ['{"command":"invite","option":7}', 'invite.option: expected object, received number'],
    ['{"command":"tts"}', 'tts.text: expected string, but it is missing'],
    ['{"command":"tts","text":["x"]}', 'tts.text: expected string, received array'],
    ['{"command":"tts","text":"x","option":{"volume":11}}', 'tts.option.volume: '],
    ['{"command":"play","url":""}', 'play.url: '],
    ['{"command":"hangup","reason":3}', 'hangup.reason: expected string, received number'],
    [invite('"agc":"on"'), 'invite.option.agc: expected boolean or object'],
    [invite('"agc":{"targetDb":"x"}'), 'invite.option.agc.targetDb: expected number, received'],
    [invite('"recorder":"x.wav"'), 'invite.option.recorder: expected boolean or object'],
    [invite('"recorder":{"format":1}'), 'invite.option.recorder.format: expected string'],
  ])('refuses %s and names the field', (text, message) => {
    expect(refusal(text)).toStartWith(message)
  })

  test('refuses an unknown command and lists the known ones', () => {
    const message = refusal('{"command":"dance"}')
    expect(message).toStartWith('command: "dance" is unknown; known are invite, accept')
    for (const name of COMMAND_NAMES) expect(message).toContain(name)
  })

  test('refuses a text of a megabyte by its length', () => {
    const text = JSON.stringify({ command: 'tts', text: 'x'.repeat(1_000_000) })
    expect(refusal(text)).toBe('tts.text: Too big: expected string to have <=65536 characters')
  })

  test('is not fooled by prototype names', () => {
    expect(refusal('{"command":"constructor"}')).toContain('unknown')
    expect(parse(JSON.parse('{"command":"pause","__proto__":{"x":1}}')) as unknown).toEqual({
      command: 'pause',
    })
  })

  test('never throws anything but a CommandError', () => {
    const messages = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          command: fc.constantFrom(...COMMAND_NAMES),
          option: fc.jsonValue(),
          text: fc.jsonValue(),
        })
        .map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(messages, (text) => {
        try {
          return COMMAND_NAMES.includes(parseCommand(text).command.command)
        } catch (error) {
          return error instanceof CommandError && error.message.length > 0
        }
      }),
      { numRuns: 500 },
    )
  })
})
