import { describe, expect, test } from 'bun:test'
import { allowedAddresses, isPublicAddress } from '#media/source/address-guard.ts'
import { rejection } from '../../support/rejection.ts'

const resolveTo =
  (...addresses: string[]) =>
  () =>
    Promise.resolve(
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

describe('isPublicAddress', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2001:db8::1',
    '2002:7f00:1::',
    'nonsense',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('allowedAddresses', () => {
  test('of a name that resolves to private addresses only are none', async () => {
    const error = await rejection(
      allowedAddresses('evil.example', false, resolveTo('10.0.0.1', '::1')),
    )
    expect(error).toMatchObject({ code: 'forbidden' })
    expect(error.message).toContain('PLAY_ALLOW_PRIVATE')
  })

  test('of a name with both kinds are the public ones', async () => {
    const found = await allowedAddresses('x.example', false, resolveTo('127.0.0.1', '8.8.8.8'))
    expect(found).toEqual([{ address: '8.8.8.8', family: 4 }])
  })

  test('are all of them where private ones are allowed', async () => {
    expect(await allowedAddresses('x.example', true, resolveTo('10.0.0.1'))).toHaveLength(1)
    expect(await allowedAddresses('[::1]', true)).toEqual([{ address: '::1', family: 6 }])
  })

  // What URL makes of the many ways to write 127.0.0.1 and friends.
  test.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://0/',
  ])('%s is refused', async (url) => {
    const error = await rejection(allowedAddresses(new URL(url).hostname, false))
    expect(error).toMatchObject({ code: 'forbidden' })
  })

  test('of a name that nobody knows is an error of the network', async () => {
    const fail = () => Promise.reject(new Error('ENOTFOUND'))
    expect(await rejection(allowedAddresses('x.example', false, fail))).toMatchObject({
      code: 'network',
    })
    expect(await rejection(allowedAddresses('x.example', false, resolveTo()))).toMatchObject({
      code: 'network',
    })
  })
})
