import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type MessageJob, openQueue, queueNames } from '#access/adapters/queues.ts'
import { createOccasions } from '#access/adapters/redis/occasions.ts'
import type { Glass } from '#access/domain/break-glass/pass.ts'
import { principalKey } from '#access/domain/principal.ts'
import { createAnnounceGlass } from '#workers/announce-glass.ts'
import { aNonce, glassBy, glassKey } from '../builders/break-glass.ts'
import { aPerson, frozenClock, keptAlarms, minute, noon, rulesOf, rulesText } from '../builders.ts'

const [alice, vault] = [glassKey(), glassKey()]
const rules = rulesOf(
  `${rulesText}\nbreak_glass: { who: [sre], tier: admin, for: 30m, need: 2, keys: { alice: ${alice.x}, vault: ${vault.x} } }\n`,
)
const ana = aPerson({ name: 'Ana & <!channel>', subject: 'ana', groups: ['sre'] })
const owner = aPerson({
  name: 'Cho Park',
  subject: 'cho',
  groups: ['team-payments'],
  slack: { team: 'T1', user: 'UCHO' },
})
const people = [ana, owner]

describe('What proxies tell of passes that were signed offline', () => {
  let redis: Redis
  let alarms: ReturnType<typeof keptAlarms>
  beforeAll(async () => {
    const url = new URL(inject('redisUrl'))
    url.pathname = '/131'
    redis = new Redis(url.href)
  })
  beforeEach(async () => {
    await redis.flushdb()
    alarms = keptAlarms()
  })
  afterAll(() => redis.disconnect())

  const aGlass = (changes: Partial<Glass> = {}): Glass => ({
    environment: 'sandbox',
    who: { issuer: ana.issuer, subject: 'ana' },
    services: ['orders-svc', 'payments-svc'],
    tier: 'admin',
    from: noon,
    until: noon + 20 * minute,
    because: 'Redis is down',
    nonce: aNonce(),
    ...changes,
  })
  const announce = async (statement: string): Promise<MessageJob[]> => {
    const messages = openQueue<MessageJob>(queueNames.messages, redis)
    const tell = createAnnounceGlass({
      rules,
      directory: {
        bySlack: () => undefined,
        byPagerDuty: () => undefined,
        byPrincipal: (key) => people.find((person) => principalKey(person) === key),
        activeWhere: (is) => people.filter(is),
      },
      occasions: createOccasions(redis),
      messages,
      clock: frozenClock(noon + 60 * minute),
      alarm: alarms.alarm,
    })
    const me = { proxy: 'proxy-1', boot: 'boot-1' }
    await tell({ kind: 'break-glass', ...me, grant: 'x', at: noon + minute, statement })
    const jobs = await messages.getJobs(['waiting'])
    // A worker takes them, and they are forgotten.
    await messages.obliterate({ force: true })
    await messages.close()
    return jobs.map(({ data }) => data)
  }

  test('reaches the channels of the services and their owners, with who, why and whose keys', async () => {
    const jobs = await announce(glassBy(aGlass(), alice, vault))
    expect(jobs.map(({ to }) => to)).toEqual(
      expect.arrayContaining([
        { channel: '#inc-orders' },
        { channel: '#inc-payments' },
        { team: 'T1', user: 'UCHO' },
      ]),
    )
    expect(jobs).toHaveLength(3)
    const [first] = jobs
    if (first?.kind !== 'notice') throw new Error('no notice')
    expect(first.text).toContain('`orders-svc`, `payments-svc` up to `admin`')
    expect(first.text).toContain('`alice` and `vault`')
    expect(first.text).toContain('Reason: Redis is down.')
    expect(first.text).not.toContain('<!channel>')
  })

  test('is said once, however many proxies tell it, and however late', async () => {
    const pass = glassBy(aGlass(), alice, vault)
    expect(await announce(pass)).toHaveLength(3)
    expect(await announce(pass)).toEqual([])
  })

  test.each([
    ['that too few signed', () => glassBy(aGlass(), alice)],
    ['that somebody else signed', () => glassBy(aGlass(), alice, glassKey())],
    ['of another environment', () => glassBy(aGlass({ environment: 'production' }), alice, vault)],
    ['for an hour', () => glassBy(aGlass({ until: noon + 60 * minute }), alice, vault)],
    ['that is none', () => 'pbg1.e30.AAAA'],
  ])('is an alarm and no message for a pass %s', async (_, pass) => {
    expect(await announce(pass())).toEqual([])
    expect(alarms.all).toHaveLength(1)
  })
})
