import { expect, test } from 'bun:test'
import { answerChallenge } from '#transport/sip/message/digest.ts'

const credentials = { username: 'Mufasa', password: 'Circle Of Life' }
const challenge = {
  realm: 'testrealm@host.com',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  opaque: '5ccc069c403ebaf9f0171e9517f40e41',
  hasAuthQop: false,
}
const request = { method: 'GET', uri: '/dir/index.html' }

test('without qop the response is that of RFC 2069', () => {
  const header = answerChallenge(request, challenge, credentials)
  expect(header).toBe(
    'Digest username="Mufasa", realm="testrealm@host.com", ' +
      'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", ' +
      'response="670fd8c2df070c60b045671b8b24ff02", algorithm=MD5, ' +
      'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
  )
})

test('an unknown algorithm and another realm are not answered', () => {
  const other = { ...challenge, algorithm: 'SHA-512-256' }
  expect(answerChallenge(request, other, credentials)).toBeUndefined()
  const ofMine = { ...credentials, realm: 'mine' }
  expect(answerChallenge(request, challenge, ofMine)).toBeUndefined()
})

test('quotation marks cannot leave their field', () => {
  const header = answerChallenge(request, challenge, { ...credentials, username: 'a", realm="b' })
  expect(header).toContain('username="a\\", realm=\\"b"')
})
