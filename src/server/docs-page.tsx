import { raw } from 'hono/html'
import { CLOSE_CODES } from '#protocol/close-code.ts'
import { Command } from '#protocol/command.ts'
import { CallEvent } from '#protocol/event.ts'
import { type JsonSchema, rangeOf, toJsonSchema } from '#protocol/json-schema.ts'
import manifest from '../../package.json' with { type: 'json' }
import { OPERATIONS, type Operation } from './openapi.ts'

const FIRST_CALL = `const speaker = new AudioContext({ sampleRate: 16000 })
const call = new WebSocket(location.origin.replace('http', 'ws') + '/call')
call.binaryType = 'arraybuffer'
let at = 0
call.onopen = () => {
  call.send(JSON.stringify({ command: 'invite', option: { codec: 'pcm' } }))
  call.send(JSON.stringify({ command: 'tts', text: 'Hello! How can I help you?', autoHangup: true }))
}
call.onmessage = ({ data }) => {
  if (typeof data === 'string') return console.log(data)
  const pcm = new Int16Array(data)
  const buffer = speaker.createBuffer(1, pcm.length, 16000)
  buffer.getChannelData(0).set(Float32Array.from(pcm, (sample) => sample / 32768))
  const source = speaker.createBufferSource()
  source.buffer = buffer
  source.connect(speaker.destination)
  at = Math.max(at, speaker.currentTime + 0.1)
  source.start(at)
  at += buffer.duration
}`

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --dim: #5b6577; --line: #dfe3ea; --back: #fff;
  --soft: #f5f7fa; --mark: #0b6b5d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #9aa5b8; --line: #2d3544;
  --back: #14181f; --soft: #1b212b; --mark: #5fd0bd; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
.page { display: grid; grid-template-columns: 15rem minmax(0, 1fr); max-width: 76rem; margin: auto }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 2rem 1rem }
nav a { display: block; padding: .1rem .6rem; border-radius: 4px; font-size: .9rem }
nav h2 { font-size: .75rem; letter-spacing: .08em; text-transform: uppercase; color: var(--dim);
  margin: 1.2rem .6rem .2rem }
main { padding: 2rem 1.5rem 6rem; min-width: 0 }
h1 { font-size: 2rem; margin: 0 } h2 { margin: 3rem 0 .5rem; padding-top: .5rem } p { max-width: 44rem }
h3 { margin: 2rem 0 .3rem; font-size: 1.05rem } h3 code { background: none; padding: 0; font-size: 1em }
a { color: var(--mark); text-decoration: none } a:hover { text-decoration: underline }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px }
code, pre { font: .875em/1.5 ui-monospace, monospace } code { background: var(--soft); padding: .1em .3em;
  border-radius: 4px }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 8px; padding: 1rem;
  overflow-x: auto; margin: 0 } pre code { padding: 0 }
.copy { position: relative } .copy button { position: absolute; top: .5rem; right: .5rem; font: inherit;
  font-size: .8rem; color: var(--ink); background: var(--back); border: 1px solid var(--line);
  border-radius: 6px; padding: .2rem .7rem; cursor: pointer }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; margin: .6rem 0 }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-bottom: 1px solid var(--line); font-size: .925rem } th { color: var(--dim); font-weight: 500 }
th:first-child { width: 11rem } th:nth-child(2) { width: 9rem }
#endpoints td:first-child { white-space: nowrap; width: 18rem }
.verb { display: inline-block; min-width: 3.2rem; font-weight: 600; color: var(--mark) }
.dim { color: var(--dim) }
@media (max-width: 50rem) { .page { display: block } nav { position: static; max-height: none;
  padding: 1rem 1.5rem 0; columns: 3 7rem } nav h2 { column-span: all }
  .copy pre { padding-top: 3rem } th:first-child, th:nth-child(2) { width: auto }
  #endpoints tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line) }
  #endpoints td, #endpoints td:first-child { display: block; width: auto; padding: .1rem 0; border: 0 } }`

const SCRIPT = `document.querySelector('.copy button').addEventListener('click', async (event) => {
  await navigator.clipboard.writeText(document.querySelector('.copy code').textContent)
  event.target.textContent = 'Copied'
})`

const GROUPS = ['Calls', 'History', 'WebRTC', 'Operations'] as const

/** The API for people: everything is in the page, nothing is fetched from elsewhere. */
export function renderDocsPage(): string {
  const commands = toJsonSchema(Command)
  const events = toJsonSchema(CallEvent)
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>BunPBX API</title>
        <link rel="icon" href="data:," />
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <div class="page">
          <Navigation commands={commands} events={events} />
          <main>
            <Introduction />
            <Endpoints />
            <Messages id="commands" title="Commands" tag="command" union={commands} />
            <Options definitions={commands.$defs ?? {}} />
            <Messages id="events" title="Events" tag="event" union={events} />
            <CloseCodes />
          </main>
        </div>
        <script>{raw(SCRIPT)}</script>
      </body>
    </html>
  )
  return `<!doctype html>${page}`
}

function Introduction() {
  return (
    <section id="first-call">
      <h1>BunPBX API</h1>
      <p class="dim">
        Version {manifest.version} · <a href="/openapi.json">OpenAPI document</a>
      </p>
      <p>
        A client opens a WebSocket, sends commands as JSON, gets events as JSON, and exchanges audio
        as binary messages. Paste this into this page's console and listen (where API keys are set,
        add <code>?token=KEY</code> to <code>/call</code>):
      </p>
      <div class="copy">
        <button type="button">Copy</button>
        <pre>
          <code>{FIRST_CALL}</code>
        </pre>
      </div>
    </section>
  )
}

function Navigation({ commands, events }: { commands: JsonSchema; events: JsonSchema }) {
  return (
    <nav aria-label="Contents">
      <a href="#first-call">First call</a>
      <a href="#endpoints">Endpoints</a>
      <a href="#options">Options</a>
      <a href="#close-codes">Close codes</a>
      <h2>Commands</h2>
      {names(commands, 'command').map((name) => (
        <a href={`#command-${name}`}>{name}</a>
      ))}
      <h2>Events</h2>
      {names(events, 'event').map((name) => (
        <a href={`#event-${name}`}>{name}</a>
      ))}
    </nav>
  )
}

function Endpoints() {
  return (
    <section id="endpoints">
      <h2>Endpoints</h2>
      {GROUPS.map((group) => (
        <>
          <h3>{group}</h3>
          <div class="scroll">
            <table>
              {OPERATIONS.filter((operation) => operation.group === group).map((operation) => (
                <Endpoint operation={operation} />
              ))}
            </table>
          </div>
        </>
      ))}
    </section>
  )
}

function Endpoint({ operation }: { operation: Operation }) {
  const { method, path, summary, isWebSocket, query } = operation
  const parameters = query === undefined ? [] : Object.keys(query.shape)
  return (
    <tr>
      <td>
        <span class="verb">{isWebSocket === true ? 'WS' : method.toUpperCase()}</span>
        <code>{path}</code>
      </td>
      <td>
        <Text text={summary} />
        {parameters.length > 0 && <span class="dim"> Query: {parameters.join(', ')}.</span>}
      </td>
    </tr>
  )
}

interface MessagesProps {
  readonly id: string
  readonly title: string
  readonly tag: string
  readonly union: JsonSchema
}

function Messages({ id, title, tag, union }: MessagesProps) {
  return (
    <section id={id}>
      <h2>{title}</h2>
      {(union.oneOf ?? []).map((option) => {
        const name = String(option.properties?.[tag]?.const)
        return (
          <>
            <h3 id={`${tag}-${name}`}>
              <code>{name}</code>
            </h3>
            <p>
              <Text text={option.description} />
            </p>
            <Fields schema={option} except={tag} />
          </>
        )
      })}
    </section>
  )
}

function Options({ definitions }: { definitions: Readonly<Record<string, JsonSchema>> }) {
  return (
    <section id="options">
      <h2>Options</h2>
      {Object.entries(definitions).map(([name, schema]) => (
        <>
          <h3 id={name}>
            <code>{name}</code>
          </h3>
          <p>
            <Text text={schema.description} />
          </p>
          <Fields schema={schema} />
        </>
      ))}
    </section>
  )
}

function Fields({ schema, except }: { schema: JsonSchema; except?: string }) {
  const fields = Object.entries(schema.properties ?? {}).filter(([name]) => name !== except)
  if (fields.length === 0) return null
  return (
    <div class="scroll">
      <table>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Type</th>
          <th scope="col">Meaning</th>
        </tr>
        {fields.map(([name, field]) => (
          <tr>
            <td>
              <code>{name}</code>
            </td>
            <td>
              <FieldType field={field} />
            </td>
            <td>
              <Text text={field.description} />{' '}
              <Need field={field} isRequired={schema.required?.includes(name)} />
            </td>
          </tr>
        ))}
      </table>
    </div>
  )
}

/** A description, with what stands in backticks as code. */
function Text({ text = '' }: { text?: string | undefined }) {
  const parts = text.split('`')
  return <>{parts.map((part, i) => (i % 2 === 1 ? <code>{part}</code> : part))}</>
}

function Need({ field, isRequired }: { field: JsonSchema; isRequired: boolean | undefined }) {
  if (field.default !== undefined) {
    return <span class="dim">Default {JSON.stringify(field.default)}.</span>
  }
  return isRequired === true ? <span class="dim">Required.</span> : null
}

function FieldType({ field }: { field: JsonSchema }) {
  const reference = field.$ref?.split('/').at(-1)
  if (reference !== undefined) return <a href={`#${reference}`}>{reference}</a>
  if (field.enum !== undefined) return <>{field.enum.join(' | ')}</>
  if (field.type === 'array') return <>{field.items?.type ?? 'any'}[]</>
  if (field.anyOf !== undefined) return <EitherType options={field.anyOf} />
  const range = rangeOf(field)
  return <>{range === '' ? (field.type ?? 'any') : `${field.type}, ${range}`}</>
}

function EitherType({ options }: { options: readonly JsonSchema[] }) {
  return (
    <>
      {options.map((option, i) => (
        <>
          {i === 0 ? '' : ' or '}
          <FieldType field={option} />
        </>
      ))}
    </>
  )
}

function CloseCodes() {
  return (
    <section id="close-codes">
      <h2>Close codes</h2>
      <table>
        {Object.values(CLOSE_CODES).map(([code, meaning]) => (
          <tr>
            <td>
              <code>{code}</code>
            </td>
            <td>{meaning}</td>
          </tr>
        ))}
      </table>
    </section>
  )
}

function names(union: JsonSchema, tag: string): string[] {
  return (union.oneOf ?? []).map((option) => String(option.properties?.[tag]?.const))
}
