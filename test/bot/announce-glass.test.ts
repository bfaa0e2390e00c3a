import { expect, test } from 'vitest'
import type { MessageJob } from '#access/adapters/queues.ts'
import { isButtonOf } from '#access/domain/button.ts'
import { createAnnounceGlass } from '#bot/announce-glass.ts'
import { aGrant, aPerson, frozenClock, rulesOf } from '../builders.ts'

const person = (subject: string) =>
  aPerson({ subject, groups: ['team-payments'], slack: { team: 'T1', user: `U${subject}` } })
const [ana, owner] = [person('ana'), person('owner')]
const grant = aGrant({
  who: { issuer: ana.issuer, subject: ana.subject, name: 'Ana' },
  why: { kind: 'break-glass', rule: 'break_glass', reason: '<!channel> burns' },
})

test('The channel is told that the glass breaks, and each who may review it but its person has a button', async () => {
  const jobs: MessageJob[] = []
  const messages = {
    add: async (_: string, job: MessageJob) => void jobs.push(job),
  } as unknown as Parameters<typeof createAnnounceGlass>[0]['messages']
  const directory = {
    bySlack: () => undefined,
    byPagerDuty: () => undefined,
    byPrincipal: () => undefined,
    activeWhere: (is: (one: typeof ana) => boolean) => [ana, owner].filter(is),
  }
  await createAnnounceGlass({ rules: rulesOf(), directory, messages, clock: frozenClock() })(grant)
  expect(jobs.map(({ to }) => to)).toEqual([{ channel: '#inc-orders' }, owner.slack])
  const [toChannel, toOwner] = jobs
  if (toChannel?.kind !== 'notice' || toOwner?.kind !== 'notice') throw new Error('no notices')
  expect(toChannel.text).not.toContain('<!channel>')
  expect(toChannel.blocks).toBeUndefined()
  const value = /"value":"([^"]+)"/.exec(JSON.stringify(toOwner.blocks))?.[1] ?? ''
  expect(isButtonOf(grant, 'review', owner, value)).toBe(true)
  expect(isButtonOf(grant, 'review', ana, value)).toBe(false)
})
