import { expect, test } from 'vitest'
import { createSignedByRevoked } from '#access/adapters/revocations.ts'
import { keepCompactly } from '#access/domain/compact-grant.ts'
import { aGrant, freshKeys } from '../../builders.ts'

const encoded = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64url')

/**
 * Somebody stole a key and signs passes with it whose headers are written so that whoever verifies them finds the key, and
 * whoever looks for passes of that key does not.
 */
test.each([
  ['as ours are', (header: string) => header],
  ['behind a byte order mark', (header: string) => `\ufeff${header}`],
  ['with white space', (header: string) => ` ${header.replaceAll(',', ' ,\n')} `],
  ['with the name written in escapes', (header: string) => header.replace('"kid"', '"\\u006bid"')],
  ['with the name twice', (header: string) => header.replace('{', '{"kid":"another",')],
])('A pass by a revoked key is found out, its header written %s', async (_, write) => {
  const { bot } = await freshKeys()
  const isDistrusted = createSignedByRevoked(bot)
  const header = write(JSON.stringify({ alg: 'EdDSA', typ: 'pagepass-grant+jws', kid: 'bot-issue-1' }))
  const grant = aGrant()
  const held = keepCompactly(grant, `${encoded(header)}.${encoded(JSON.stringify(grant))}.c2lnbmVk`)
  expect(isDistrusted(held)).toBe(false)
  bot.revoked.add('bot-issue-1')
  expect(isDistrusted(held)).toBe(true)
})
