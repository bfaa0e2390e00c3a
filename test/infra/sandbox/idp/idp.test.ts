import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, expect, test, vi } from 'vitest'
import { AUDIENCE, startIdp } from '#infra/sandbox/idp/idp.ts'
import { people } from '#infra/sandbox/people.ts'
import { newStateFolder } from '../a-world.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const start = async (stateFile?: string, port = 0) => {
  const idp = await startIdp(stateFile === undefined ? {} : { stateFile }, port)
  closers.push(idp.close)
  return idp
}

const verify = async (issuer: string, token: string) => {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`)
  const { jwks_uri } = (await discovery.json()) as { jwks_uri: string }
  return jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), {
    issuer,
    audience: AUDIENCE,
    typ: 'at+jwt',
    algorithms: ['ES256'],
  })
}

test('An access token verifies with the keys that discovery names, and says who it is for an hour', async () => {
  const idp = await start()
  const { payload } = await verify(idp.issuer, await idp.tokenFor(people.ana))
  expect(payload).toMatchObject({
    iss: idp.issuer,
    aud: 'pagepass',
    sub: 'idp-ana',
    client_id: 'pagepass-cli',
    email: 'ana@sandbox.example',
    name: 'Ana Lopes',
    groups: ['team-payments'],
  })
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600)
})

test('A token may be given another lifetime, and an old one is refused', async () => {
  const idp = await start()
  const short = decodeJwt(await idp.tokenFor(people.eve, { expiresIn: 5 }))
  expect((short.exp ?? 0) - (short.iat ?? 0)).toBe(5)
  const old = await idp.tokenFor(people.eve, { expiresIn: -60 })
  await expect(verify(idp.issuer, old)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
})

test('Somebody without groups has an empty list of them', async () => {
  const idp = await start()
  expect(decodeJwt(await idp.tokenFor(people.eve))).toMatchObject({ groups: [] })
})

test('A token outlives a restart of the provider', async () => {
  const stateFile = join(newStateFolder(), 'idp.json')
  const first = await startIdp({ stateFile }, 0)
  const token = await first.tokenFor(people.ben)
  await first.close()
  const second = await start(stateFile, Number(new URL(first.issuer).port))
  await expect(verify(second.issuer, token)).resolves.toMatchObject({ payload: { sub: 'idp-ben' } })
})

test('A token of another provider is refused', async () => {
  const [ours, other] = [await start(), await start()]
  const token = await other.tokenFor(people.ana)
  await expect(verify(ours.issuer, token)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
})

test('The provider starts without a word of warning', async () => {
  const spoken = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'info')]
  await (await start()).tokenFor(people.ana)
  for (const spy of spoken) expect(spy).not.toHaveBeenCalled()
})

const published = async (issuer: string) => {
  const { keys } = JSON.parse(await (await fetch(`${issuer}/jwks`)).text())
  return keys.map(({ kid }: { kid: string }) => kid)
}

test('After a rotation the new key signs, comes first, and the old one still verifies', async () => {
  const idp = await start()
  const before = await idp.tokenFor(people.ana)
  const [newest, ...older] = await idp.rotateKeys()
  expect(older).toEqual([decodeProtectedHeader(before).kid])
  expect(await published(idp.issuer)).toEqual([newest, ...older])
  const after = await idp.tokenFor(people.ana)
  expect(decodeProtectedHeader(after).kid).toBe(newest)
  for (const token of [before, after]) {
    await expect(verify(idp.issuer, token)).resolves.toMatchObject({ payload: { sub: 'idp-ana' } })
  }
})

test('Once old keys are withdrawn, what they signed verifies no more', async () => {
  const idp = await start()
  const before = await idp.tokenFor(people.ana)
  await idp.rotateKeys()
  const after = await idp.tokenFor(people.ana)
  expect(idp.withdrawOldKeys()).toEqual([decodeProtectedHeader(after).kid])
  expect(await published(idp.issuer)).toEqual([decodeProtectedHeader(after).kid])
  await expect(verify(idp.issuer, before)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  await expect(verify(idp.issuer, after)).resolves.toMatchObject({ payload: { sub: 'idp-ana' } })
})

test('Rotated keys outlive a restart', async () => {
  const stateFile = join(newStateFolder(), 'idp.json')
  const first = await startIdp({ stateFile }, 0)
  const kids = await first.rotateKeys()
  await first.close()
  expect((await start(stateFile)).kids()).toEqual(kids)
})

test('A connection kept alive sees the rotation too', async () => {
  const idp = await start()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (): Promise<string[]> => {
    const asking = get(`${idp.issuer}/jwks`, { agent })
    const [response] = await once(asking, 'response')
    return JSON.parse(await text(response)).keys.map(({ kid }: { kid: string }) => kid)
  }
  const before = await ask()
  const kids = await idp.rotateKeys()
  expect(await ask()).toEqual(kids)
  expect(kids.slice(1)).toEqual(before)
  agent.destroy()
})
