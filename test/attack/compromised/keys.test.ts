import { CompactSign } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Holder } from '#access/adapters/keys.ts'
import { createStatements, type StatementKind } from '#access/adapters/statements.ts'
import { aGrant, aLift, aLock, anEnd, freshKeys, noon } from '../../builders.ts'

// Somebody holds every key of one part. What they can sign, and nothing else, is what that part may sign.

let keys: Awaited<ReturnType<typeof freshKeys>>
beforeAll(async () => {
  keys = await freshKeys()
})

const environment = 'sandbox'
const bodies = {
  grant: aGrant(),
  end: anEnd(aGrant()),
  head: { environment, at: noon, epoch: 'e', sequence: 1, count: 0, set: '' },
  lock: aLock(),
  lift: aLift(aLock()),
  'lock-order': { environment, subject: 'idp-ana', because: 'x', at: noon },
  directory: { environment, asOf: noon, people: [] },
  revocation: { environment, kid: 'bot-issue-1', because: 'x', at: noon },
  'revocation-question': { environment, kid: 'bot-issue-1', at: noon },
  review: {
    environment,
    grant: aGrant().id,
    who: aGrant().who,
    by: { ...aGrant().who, subject: 'idp-ben' },
    at: noon,
  },
  confirmation: { environment, at: noon, except: [] },
  reports: { environment, reports: [{ kind: 'gone', proxy: 'proxy-1', boot: 'b' }] },
} as const
const kinds = Object.keys(bodies) as StatementKind[]

const may: Readonly<Record<Holder, readonly StatementKind[]>> = {
  bot: ['grant', 'end', 'head', 'lock', 'lift', 'confirmation', 'review'],
  workers: ['end', 'head', 'lock', 'confirmation'],
  proxy: ['reports'],
  offline: ['directory'],
  responder: ['lock-order'],
  security: ['revocation', 'revocation-question'],
}

const signing = (holder: Holder, kind: StatementKind) =>
  createStatements(keys[holder]).sign(kind, bodies[kind] as never)

describe.each(Object.keys(may) as Holder[])('The keys of the %s', (holder) => {
  test.each(kinds)('sign a %s that is believed only where that is theirs to say', async (kind) => {
    const signed = signing(holder, kind)
    if (!may[holder].includes(kind)) return expect(signed).rejects.toMatchObject({ code: 'keys/missing' })
    await expect(createStatements(keys.proxy).verify(kind, await signed)).resolves.toEqual(bodies[kind])
  })

  test('make no statement believed whose kind is not theirs, whatever header it has', async () => {
    const refused: string[] = []
    for (const { kid, alg, key } of keys[holder].own.values())
      for (const kind of kinds) {
        if (may[holder].includes(kind)) continue
        const forged = await new CompactSign(new TextEncoder().encode(JSON.stringify(bodies[kind])))
          .setProtectedHeader({ alg, typ: `pagepass-${kind}+jws`, kid })
          .sign(key)
        await createStatements(keys.proxy)
          .verify(kind, forged)
          .then(
            () => expect.fail(`a ${kind} signed by ${kid} was believed`),
            () => refused.push(`${kid} ${kind}`),
          )
      }
    expect(refused).toHaveLength(keys[holder].own.size * (kinds.length - may[holder].length))
  })
})
