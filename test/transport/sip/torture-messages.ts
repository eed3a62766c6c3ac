/** What the test expects to come back: one of these statuses, or nothing. */
export type Wanted = readonly (number | 'nothing')[]

export interface TortureMessage {
  readonly name: string
  readonly bytes: Buffer
  readonly wanted: Wanted
}

const CRLF = '\r\n'
const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0',
  '',
].join(CRLF)
const IS_SDP = 'Content-Type: application/sdp'

interface Draft {
  readonly start?: string
  readonly extra?: readonly string[]
  readonly body?: string
  /** Headers of the draft that are replaced (or, with undefined, left out), by lower-case name. */
  readonly replace?: Readonly<Record<string, string | undefined>>
  readonly contentLength?: string
}

/**
 * Messages as bad as RFC 4475 has them, and some that are only rare, to an endpoint at `port` that
 * takes every call. Answers go to `ownPort`.
 */
export function tortureMessages(port: number, ownPort: number): TortureMessage[] {
  let count = 0
  const id = (): string => {
    count += 1
    return `t${count}`
  }
  const target = `sip:echo@127.0.0.1:${port}`
  const options = `OPTIONS ${target} SIP/2.0`
  const draft = ({ start = `INVITE ${target} SIP/2.0`, ...rest }: Draft): string => {
    const i = id()
    const { extra = [], body = '', replace = {}, contentLength } = rest
    const headers = [
      `Via: SIP/2.0/UDP 127.0.0.1:${ownPort};branch=z9hG4bK${i};rport`,
      `From: <sip:t@127.0.0.1:${ownPort}>;tag=f${i}`,
      `To: <${target}>`,
      `Call-ID: ${i}`,
      `CSeq: 1 ${start.split(' ')[0]}`,
      'Max-Forwards: 70',
      `Contact: <sip:t@127.0.0.1:${ownPort}>`,
    ].flatMap((line) => {
      const name = line.slice(0, line.indexOf(':')).toLowerCase()
      if (!(name in replace)) return [line]
      const other = replace[name]
      return other === undefined ? [] : [other]
    })
    const length = contentLength ?? String(Buffer.byteLength(body))
    return [start, ...headers, ...extra, `Content-Length: ${length}`, '', body].join(CRLF)
  }
  const via = (text: string): Draft => ({ start: options, replace: { via: `Via: ${text}` } })
  const from = (text: string): Draft => ({ start: options, replace: { from: `From: ${text}` } })
  const ofDialog = (method: string): Draft => ({
    start: `${method} sip:a@127.0.0.1:${port} SIP/2.0`,
    replace: { to: 'To: <sip:a@b>;tag=nope' },
  })
  const lone = (method: string): Draft => ({ start: `${method} sip:a@127.0.0.1:${port} SIP/2.0` })
  const sdp: Draft = { body: SDP, extra: [IS_SDP] }

  const folded = [
    `OPTIONS ${target};unknownparam SIP/2.0`,
    'TO :',
    ` ${target} ;   tag    =`,
    'from   : "J Rosenberg \\\\\\""       <sip:t@127.0.0.1>',
    '  ;',
    '  tag = 98asjd8',
    'MaX-fOrWaRdS: 0068',
    'Call-ID: wsinv',
    'Content-Length   : 0',
    'cseq: 0009',
    '  OPTIONS',
    'Via  : SIP  /   2.0',
    ' /UDP',
    `    127.0.0.1:${ownPort};branch=z9hG4bKwsinv`,
    's :',
    'NewFangledHeader:   newfangled value',
    ' continued newfangled value',
    'v:  SIP  / 2.0  / TCP     spindle.example.com   ;',
    '  branch  =   z9hG4bK9ikj8  ,',
    ' SIP  /    2.0   / UDP  192.168.255.111   ; branch=',
    ' z9hG4bK30239',
    'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
    '      newvalue ;',
    '  secondparam ; q = 0.33',
    '',
    '',
  ].join(CRLF)
  const compact = [
    options,
    `v: SIP/2.0/UDP 127.0.0.1:${ownPort};branch=z9hG4bKcompact`,
    'f: <sip:t@127.0.0.1>;tag=1',
    't: <sip:e@127.0.0.1>',
    'i: compact',
    'CSeq: 1 OPTIONS',
    'l: 0',
    '',
    '',
  ].join(CRLF)
  const badUtf8 = Buffer.concat([
    Buffer.from(`${options}\r\nVia: SIP/2.0/UDP 127.0.0.1:${ownPort};branch=z9hG4bKutf\r\nFrom: "`),
    Buffer.from([0xc3, 0x28, 0xff]),
    Buffer.from(
      '" <sip:t@127.0.0.1>;tag=1\r\nTo: <sip:e@127.0.0.1>\r\nCall-ID: utf\r\nCSeq: 1 OPTIONS\r\n\r\n',
    ),
  ])
  const multipart = `--b\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--b--\r\n`
  const list: (readonly [string, Draft | string | Buffer, Wanted])[] = [
    ['folded lines, short names, odd case', folded, [200, 400]],
    ['short names', compact, [200]],
    ['an escaped user', { start: `OPTIONS sip:sips%3Auser%40x@127.0.0.1:${port} SIP/2.0` }, [200]],
    [
      'an escape of an escape',
      { ...sdp, start: `INVITE sip:a%25zz@127.0.0.1:${port} SIP/2.0` },
      [400],
    ],
    ['an escaped NUL', { start: `OPTIONS sip:null-%00-null@127.0.0.1:${port} SIP/2.0` }, [200]],
    ['a bad escape', { start: `OPTIONS sip:a%zz@127.0.0.1:${port} SIP/2.0` }, [400]],
    ['a long value', { start: options, extra: [`X-Long: ${'a'.repeat(8_000)}`] }, [200]],
    ['a method of odd signs', lone("!odd-Method0_*+`.%indeed'~"), [405, 501]],
    ['an unknown method', lone('FOO'), [405, 501]],
    ['CSeq of another method', { start: options, replace: { cseq: 'CSeq: 1 INVITE' } }, [400]],
    [
      'CSeq out of range',
      { start: options, replace: { cseq: 'CSeq: 36893488147419103232 OPTIONS' } },
      [400],
    ],
    ['CSeq of letters', { start: options, replace: { cseq: 'CSeq: abc' } }, [400]],
    [
      'a response with CSeq of letters',
      { start: 'SIP/2.0 200 OK', replace: { cseq: 'CSeq: abc' } },
      ['nothing'],
    ],
    [
      'a response with a huge status',
      { start: 'SIP/2.0 4294967301 better not', replace: { cseq: 'CSeq: 1 INVITE' } },
      ['nothing'],
    ],
    [
      'a response to nothing',
      { start: 'SIP/2.0 200 OK', replace: { cseq: 'CSeq: 1 INVITE' } },
      ['nothing'],
    ],
    ['no From', { start: options, replace: { from: undefined } }, [400, 'nothing']],
    ['no Call-ID', { start: options, replace: { 'call-id': undefined } }, [400, 'nothing']],
    ['no Via', { start: options, replace: { via: undefined } }, ['nothing']],
    ['no Max-Forwards', { start: options, replace: { 'max-forwards': undefined } }, [200]],
    [
      'Max-Forwards 0',
      { start: options, replace: { 'max-forwards': 'Max-Forwards: 0' } },
      [200, 483],
    ],
    ['INVITE without Contact', { ...sdp, replace: { contact: undefined } }, [400]],
    ['INVITE with Contact *', { ...sdp, replace: { contact: 'Contact: *' } }, [400]],
    [
      'From, Call-ID and CSeq twice',
      { start: options, extra: ['From: <sip:x@y>;tag=2', 'Call-ID: o', 'CSeq: 5 INVITE'] },
      [400],
    ],
    ['a negative Content-Length', { start: options, contentLength: '-999' }, [400]],
    ['a Content-Length beyond the body', { ...sdp, contentLength: '9999' }, [400]],
    [
      'a Content-Length short of the body',
      { start: options, body: 'trailing', extra: [IS_SDP], contentLength: '2' },
      [200],
    ],
    ['another version', { start: `OPTIONS sip:a@127.0.0.1:${port} SIP/7.0` }, [505]],
    ['a Request-URI in brackets', { start: `OPTIONS <sip:a@127.0.0.1> SIP/2.0` }, [400]],
    ['a Request-URI with a space', { start: `OPTIONS sip:a@127.0.0.1; lr SIP/2.0` }, [400]],
    ['two spaces in the request line', { start: `OPTIONS  sip:a@127.0.0.1  SIP/2.0` }, [400]],
    ['an unknown scheme', { start: 'OPTIONS nobodyKnowsThis:opaque SIP/2.0' }, [416]],
    ['http:', { start: 'OPTIONS http://example.com/ SIP/2.0' }, [416]],
    ['sips:', { start: 'OPTIONS sips:a@127.0.0.1 SIP/2.0' }, [416, 200]],
    ['tel:', { start: 'OPTIONS tel:+4930123 SIP/2.0' }, [200]],
    ['tel: in From', from('<tel:+4930123>;tag=9'), [200]],
    ['no tag in From', from('sip:t@127.0.0.1'), [200]],
    ['a branch of the old kind', via(`SIP/2.0/UDP 127.0.0.1:${ownPort};branch=oldstyle`), [200]],
    ['no branch', via(`SIP/2.0/UDP 127.0.0.1:${ownPort}`), [200]],
    [
      'an unknown transport',
      via(`SIP/2.0/UNKNOWN 127.0.0.1:${ownPort};branch=z9hG4bKu`),
      [200, 400],
    ],
    ['an IPv6 sender', via('SIP/2.0/UDP [2001:db8::9:1]:5060;branch=z9hG4bK6'), [200]],
    [
      'an IPv6 sender in brackets',
      via('SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKr'),
      [200],
    ],
    ['bytes that are no UTF-8', badUtf8, [200, 400]],
    ['an open quotation', from('"Mr. J. User <sip:j@example.com>;tag=3'), [400]],
    [
      'an unknown kind of credentials',
      { start: options, extra: ['Authorization: NoOneKnows opaque-data=here'] },
      [200],
    ],
    ['an unknown extension', { ...sdp, extra: [IS_SDP, 'Require: nothingSupportsThis'] }, [420]],
    ['an unknown body', { body: 'abc', extra: ['Content-Type: application/unknownformat'] }, [415]],
    [
      'SDP in a part of several',
      { body: multipart, extra: ['Content-Type: multipart/mixed;boundary=b'] },
      [200, 415],
    ],
    ['bad SDP', { body: 'v=0\r\nblah', extra: [IS_SDP] }, [488, 400]],
    ['no common codec', { body: SDP.replace('AVP 0', 'AVP 18'), extra: [IS_SDP] }, [488]],
    ['bad Replaces', { ...sdp, extra: [IS_SDP, 'Replaces: x'] }, [481, 400]],
    ['BYE of nothing', ofDialog('BYE'), [481]],
    ['CANCEL of nothing', lone('CANCEL'), [481]],
    ['ACK of nothing', lone('ACK'), ['nothing']],
    ['INFO of nothing', lone('INFO'), [405, 481]],
    ['PRACK of nothing', lone('PRACK'), [405, 481]],
    ['UPDATE of nothing', lone('UPDATE'), [481]],
    ['UPDATE of an unknown dialog', ofDialog('UPDATE'), [481]],
    ['REFER of nothing', { ...lone('REFER'), extra: ['Refer-To: <sip:x@y>'] }, [405]],
    ['SUBSCRIBE', { ...lone('SUBSCRIBE'), extra: ['Event: presence'] }, [405, 489]],
    ['NOTIFY without Event', ofDialog('NOTIFY'), [489, 481]],
    ['REGISTER', { start: `REGISTER sip:127.0.0.1:${port} SIP/2.0` }, [405]],
    ['bare line feeds', draft({ start: options }).replace(/\r\n/g, '\n'), [400, 'nothing']],
    ['no line end', 'OPTIONS sip:a@b SIP/2.0', ['nothing']],
    ['noise', Buffer.from(Array.from({ length: 400 }, (_, i) => (i * 7919) & 255)), ['nothing']],
    ['STUN', Buffer.from('000100002112a442aabbccddeeff001122334455', 'hex'), ['nothing']],
    ['a keep-alive', '\r\n\r\n', ['nothing']],
    ['a header without colon', { start: options, extra: ['ThisHasNoColon'] }, [200, 400]],
    ['a header of 50 KB', { start: options, extra: [`Subject: ${' a'.repeat(25_000)}`] }, [200]],
    ['a From of 30 KB', from(`${'a '.repeat(15_000)}"`), [400]],
    ['a bad Record-Route', { ...sdp, extra: [IS_SDP, 'Record-Route: ???'] }, [200, 400]],
    [
      'record-route in small letters',
      { ...sdp, extra: [IS_SDP, `record-route: <sip:127.0.0.1:${ownPort};lr>`] },
      [200],
    ],
    [
      'headers named like properties',
      { start: options, extra: ['__proto__: x', 'constructor: y', 'toString: z'] },
      [200],
    ],
    ['Expires 0', { ...sdp, extra: [IS_SDP, 'Expires: 0'] }, [200]],
    [
      'a session of 10 s',
      { ...sdp, extra: [IS_SDP, 'Supported: timer', 'Session-Expires: 10'] },
      [422],
    ],
  ]
  return list.map(([name, what, wanted]) => {
    if (Buffer.isBuffer(what)) return { name, bytes: what, wanted }
    return { name, bytes: Buffer.from(typeof what === 'string' ? what : draft(what)), wanted }
  })
}
