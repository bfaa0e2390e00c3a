import { beforeEach, describe, expect, test } from 'vitest'
import { indexDirectory } from '#access/domain/directory-file.ts'
import { Fault } from '#access/domain/errors.ts'
import type { End, Grant } from '#access/domain/grant.ts'
import { moveGrant } from '#access/domain/grant-transitions.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { type CommandParts, runAccessCommand } from '#bot/commands/access-command.ts'
import { createInTurn } from '#bot/commands/in-turn.ts'
import { readContent } from '#infra/sandbox/slack/content.ts'
import { noGlass } from '../../builders/break-glass.ts'
import {
  aGrant,
  anEnd,
  anIncident,
  aPerson,
  frozenClock,
  hour,
  keptLog,
  minute,
  noLocks,
  noon,
  nthId,
  pageWhy,
  rulesOf,
  rulesText,
} from '../../builders.ts'

const ana = aPerson()
const ben = aPerson({
  subject: 'idp-ben',
  name: 'Ben Okafor',
  groups: ['sre'],
  slack: { team: 'T0SANDBOX', user: 'U0BEN00001' },
  pagerduty: { account: 'sandbox', user: 'PUBEN01' },
})
const cho = aPerson({
  ...ben,
  subject: 'idp-cho',
  name: 'Cho Park',
  slack: { team: 'T0SANDBOX', user: 'U0CHO00001' },
  pagerduty: { account: 'sandbox', user: 'PUCHO01' },
})

let held: Map<string, Grant>
let ends: End[]
let clock: ReturnType<typeof frozenClock>
let log: ReturnType<typeof keptLog>
let parts: CommandParts

beforeEach(() => {
  held = new Map()
  ends = []
  clock = frozenClock()
  log = keptLog()
  const asHeld = (grant: Grant) => ({ grant }) as HeldGrant
  parts = {
    rules: rulesOf(),
    directory: indexDirectory({
      environment: 'sandbox',
      asOf: noon,
      people: [ana, ben, cho].map((one) => ({ ...one, groups: [...one.groups] })),
    }),
    live: {
      get: (id) => {
        const grant = held.get(id)
        return grant === undefined ? undefined : asHeld(grant)
      },
      all: () => [...held.values()].map(asHeld),
      genuine: async () => true,
      epoch: () => 'epoch',
      confirmedUntil: () => Number.POSITIVE_INFINITY,
      catchUp: async () => undefined,
    },
    store: {
      give: async (grant) => {
        if ((held.get(grant.id)?.version ?? 0) !== grant.version - 1) return { given: false, sequence: 0 }
        held.set(grant.id, grant)
        return { given: true, sequence: 1 }
      },
      end: async (grant, cause, by) => {
        const state = moveGrant(grant.state, cause)
        if (!held.delete(grant.id) || (state !== 'ended' && state !== 'refused'))
          return { ended: false, sequence: 0 }
        ends.push(anEnd(grant, { cause, state, ...(by === undefined ? {} : { by }) }))
        return { ended: true, sequence: 7 }
      },
      endOf: async () => undefined,
    },
    incidents: { read: async () => undefined },
    groups: { usersOf: async () => [] },
    lookAgain: async () => undefined,
    receipts: { of: async () => ({ confirmed: ['proxy-a'], missing: [], streamsCut: 1 }) },
    clock,
    newNonce: () => 'n'.repeat(32),
    ...noGlass,
    ...noLocks,
    environment: 'sandbox',
    log: log.log,
    inTurn: createInTurn(),
  }
})

const say = (text: string, who = ana): Promise<string> =>
  runAccessCommand(parts, {
    command: '/access',
    text,
    team: who.slack?.team ?? '',
    user: who.slack?.user ?? '',
  })
const hold = (...grants: Grant[]): void => {
  for (const grant of grants) held.set(grant.id, grant)
}
const only = (): Grant | undefined => [...held.values()][0]

describe('/access grant', () => {
  test('gives at once where the rules do', async () => {
    expect(await say('grant orders-svc 1h operate because stuck')).toContain('You have a pass: *operate*')
    expect(only()).toMatchObject({ state: 'active', step: 'given', until: noon + hour })
  })

  test('asks others where the rules want an approval, and says that it is no pass yet', async () => {
    const answer = await say('grant orders-svc 30m admin because stuck', ben)
    expect(answer).toContain('Others were asked to approve *admin* on `orders-svc` for 30m.')
    expect(answer).toContain(`Take it back with \`/access revoke ${only()?.id}\``)
    expect(only()).toMatchObject({ state: 'pending', step: 'asked', approvers: { from: ['sre'], count: 1 } })
  })

  describe('ahead', () => {
    const ahead = rulesText.replaceAll(/how: (at once|approval) }/g, 'how: $1, ahead: 7d }')

    test('gives from then, by the clocks of the person, else of the rule set, and says by whose', async () => {
      for (const [zone, text, from] of [
        ['America/New_York', ahead, '2026-01-18T03:00Z'],
        [undefined, `${ahead}zone: Europe/Berlin\n`, '2026-01-17T21:00Z'],
        [undefined, ahead, '2026-01-17T22:00Z'],
      ] as const) {
        held.clear()
        const people = [{ ...ana, groups: [...ana.groups], ...(zone === undefined ? {} : { zone }) }]
        const directory = indexDirectory({ environment: 'sandbox', asOf: noon, people })
        parts = { ...parts, rules: rulesOf(text), directory }
        const answer = await say('grant orders-svc 2h operate from sat 22:00 because CHG-123')
        expect(only()).toMatchObject({ from: Date.parse(from), until: Date.parse(from) + 2 * hour })
        const where = zone ?? parts.rules.zone
        expect(answer).toContain(
          `from *Sat 17 Jan 2026 22:00 ${where}* until *Sun 18 Jan 2026 00:00 ${where}*`,
        )
      }
    })

    test('ends then, where that is said', async () => {
      parts = { ...parts, rules: rulesOf(ahead) }
      await say('grant orders-svc operate from sat 23:00 until 00:30 because CHG-123')
      expect(only()).toMatchObject({ duration: 90 * minute, from: Date.parse('2026-01-17T23:00Z') })
      held.clear()
      await say('grant orders-svc until 13:30')
      expect(only()).toMatchObject({ from: noon, until: noon + 90 * minute })
    })

    test.each([
      ['from someday', '“someday” is not a time I can read'],
      ['from today 11:00', '“today 11:00” is over'],
      ['from 2026-03-29 02:30 Europe/Berlin', 'never show'],
      ['from 2026-10-25 02:30 Europe/Berlin', 'twice'],
      ['from', 'is not a time I can read'],
      ['from <!channel>', '“&lt;!channel&gt;” is not'],
      ['from sat 22:00 until sat 21:00 UTC because x', 'lasts 2h at most'],
      ['from 2027-01-01 00:00 because x', '7d ahead at most'],
    ])('is refused with what to write instead: %s', async (span, expected) => {
      parts = { ...parts, rules: rulesOf(ahead) }
      expect(await say(`grant orders-svc operate ${span}`)).toContain(expected)
      expect(held.size).toBe(0)
    })

    test('puts it before others, and says until when they may decide', async () => {
      parts = { ...parts, rules: rulesOf(ahead) }
      const answer = await say('grant orders-svc 30m admin from fri 22:00 because stuck', ben)
      expect(answer).toContain('approve *admin* on `orders-svc` for 30m from *Fri 16 Jan 2026 22:00 UTC*')
      expect(only()).toMatchObject({ state: 'pending', until: Date.parse('2026-01-16T22:00Z') })
    })
  })

  test('asked twice makes one request', async () => {
    await say('grant orders-svc 30m admin because stuck', ben)
    expect(await say('grant orders-svc 30m admin because stuck', ben)).toContain('Others were asked')
    expect(held.size).toBe(1)
  })

  test('says so where nobody else may approve', async () => {
    parts = {
      ...parts,
      directory: indexDirectory({
        environment: 'sandbox',
        asOf: noon,
        people: [{ ...ben, groups: ['sre'] }],
      }),
    }
    expect(await say('grant orders-svc 30m admin because stuck', ben)).toContain(
      'nobody who may give it is known',
    )
    expect(held.size).toBe(0)
  })
})

describe('/access preview', () => {
  test('says who would be asked, and asks nobody', async () => {
    expect(await say('preview orders-svc 30m admin because stuck', ben)).toBe(
      'Others would be asked to approve *admin* on `orders-svc` for 30m: Cho Park; one of them has to. Nobody has been asked.',
    )
    expect(await say('preview orders-svc 30m operate because stuck', ben)).toBe(
      'You would have *operate* on `orders-svc` for 30m at once.',
    )
    expect(await say('preview orders-svc 30m admin', ben)).toContain('needs a reason')
    expect(held.size).toBe(0)
  })

  test('and who was asked is told when it is asked for', async () => {
    expect(await say('grant orders-svc 30m admin because stuck', ben)).toContain('Asked: Cho Park.')
  })
})

describe('/access handover', () => {
  const mine = aGrant({ id: nthId(1), why: pageWhy() })
  beforeEach(() => {
    hold(mine)
    parts = { ...parts, incidents: { read: async () => anIncident() } }
  })

  test('puts it before whom it names, and says until when one’s own goes on', async () => {
    const answer = await say('handover orders-svc <@U0BEN00001|ben>')
    expect(answer).toBe(
      'Put before Ben Okafor: *operate* on `orders-svc`. Your own pass goes on until they take it.',
    )
    expect([...held.values()].map(({ state, who }) => [state, who.subject])).toEqual([
      ['active', 'idp-ana'],
      ['offered', 'idp-ben'],
    ])
  })

  test.each([
    ['', 'Try `/access handover orders-svc @name`'],
    ['<@U0WHO00001|who>', 'Pagepass does not know them'],
    ['<@U0ANA00001|ana>', 'Say to whom'],
  ])('says what is missing: %s', async (to, expected) => {
    expect(await say(`handover orders-svc ${to}`)).toContain(expected)
    expect(held.size).toBe(1)
  })
})

describe('/access list', () => {
  test('shows passes, offers and requests for what they are, and nobody else’s', async () => {
    hold(
      aGrant({ id: nthId(1) }),
      aGrant({ id: nthId(2), state: 'offered', step: 'offered', why: pageWhy(), until: noon + 4 * hour }),
      aGrant({ id: nthId(3), state: 'pending', step: 'asked', tier: 'admin', until: noon + 2 * hour }),
      aGrant({ id: nthId(4), who: { issuer: ben.issuer, subject: ben.subject, name: ben.name } }),
    )
    const [title, pass, request, offer, ...more] = (await say('list')).split('\n')
    expect(title).toBe('You have 3 passes:')
    expect(pass).toMatch(/^• \*operate\* on `orders-svc` until .*because stuck orders/)
    expect(request).toContain('• waits for an approval: *admin* on `orders-svc` for 1h')
    expect(offer).toContain('• offered: *operate* on `orders-svc` for 1h, paged for incident #7')
    expect(more).toEqual([])
  })
})

describe('/access extend', () => {
  test.each<[string, string, number]>([
    ['by the time that is named', 'extend orders-svc 30m', noon + 90 * minute],
    ['by as much as it first gave', 'extend orders-svc', noon + 2 * hour],
    ['by its id', 'extend AAAA-BBBB-CCCC 5m', noon + 65 * minute],
  ])('makes a pass last longer in place, %s', async (_, text, untilThen) => {
    hold(aGrant())
    expect(await say(text)).toMatch(/^Extended by .*What you have open stays open\.$/)
    expect(only()).toMatchObject({ id: aGrant().id, version: 2, step: 'extended', until: untilThen })
  })

  test('never makes it longer than the rules allow, and says what it would take', async () => {
    hold(aGrant())
    const answer = await say('extend orders-svc 3h')
    expect(answer).toContain('Try `/access extend orders-svc 1h`')
    expect(only()).toMatchObject({ version: 1 })
    await say('extend orders-svc 1h')
    expect(await say('extend orders-svc 1s')).toContain('Ask for a new one')
  })

  test.each<[string, Partial<Grant>, string]>([
    [
      'what its incident let go of',
      { ending: { cause: 'handed over', was: noon + 2 * hour, at: noon, keepable: false } },
      'The incident let go of this pass',
    ],
    [
      'what others approved',
      { approvals: [{ issuer: ben.issuer, subject: 'idp-ben', name: 'Ben', at: noon, teams: ['sre'] }] },
      'was approved as it is',
    ],
    ['an offer', { state: 'offered', step: 'offered' }, 'There is no such pass'],
    [
      'what is somebody else’s',
      { who: { issuer: ben.issuer, subject: 'idp-ben', name: 'Ben' } },
      'This pass is somebody else’s.',
    ],
    ['what ended a moment ago', { until: noon }, 'There is no such pass'],
  ])('refuses %s', async (_, changes, text) => {
    hold(aGrant(changes))
    expect(await say('extend aaaa-bbbb-cccc 5m')).toContain(text)
    expect(only()).toMatchObject({ version: 1 })
  })

  test('asks which where several fit, with commands that can be typed', async () => {
    hold(aGrant({ id: nthId(1) }), aGrant({ id: nthId(2), tier: 'observe' }))
    const answer = await say('extend orders-svc 5m')
    expect(answer).toMatch(/^You have several\. Choose one:\n/)
    const [, typed = ''] = /`\/access (extend [^`]*)`/.exec(answer) ?? []
    expect(await say(typed)).toContain('Extended by')
  })
})

describe('/access revoke', () => {
  test.each<[string, Partial<Grant>, string]>([
    [
      'a request',
      { state: 'pending', step: 'asked', tier: 'admin' },
      'Taken back: *admin* on `orders-svc`, which waited for an approval.',
    ],
    [
      'an offer',
      { state: 'offered', step: 'offered' },
      'Taken back: *operate* on `orders-svc`, which you were offered.',
    ],
  ])('takes back %s, which no proxy has to confirm', async (_, changes, text) => {
    hold(aGrant(changes))
    parts = { ...parts, receipts: { of: () => expect.fail('nothing to confirm') } }
    expect(await say('revoke orders-svc')).toBe(text)
    expect(ends).toMatchObject([{ state: 'refused', cause: 'withdrawn', by: { subject: 'idp-ana' } }])
  })

  test('ends a pass, with the proxies’ receipt', async () => {
    hold(aGrant())
    expect(await say('revoke orders-svc')).toContain('1 of 1 proxy confirmed, 1 stream cut.')
    expect(ends).toMatchObject([{ state: 'ended', cause: 'revoked' }])
  })

  test('of somebody else’s request is refused to who owns nothing of it', async () => {
    hold(aGrant({ state: 'pending', step: 'asked' }))
    expect(await say('revoke aaaa-bbbb-cccc', ben)).toContain('This pass is somebody else’s.')
    expect(ends).toEqual([])
  })
})

test('Whatever goes wrong is said in plain words, and logged without what was typed', async () => {
  parts = {
    ...parts,
    live: {
      ...parts.live,
      catchUp: () => Promise.reject(new Fault('store/unreachable', 'Redis did not answer')),
    },
  }
  for (const text of [
    'list',
    'extend orders-svc because secret',
    'revoke orders-svc',
    'grant orders-svc 1h because secret',
  ]) {
    const answer = await say(text)
    if (!text.startsWith('grant')) expect(answer).toMatch(/Redis does not answer.*Try again in a minute\.$/)
    expect(readContent({ text: answer })).toEqual({ text: answer })
  }
  expect(JSON.stringify(log.lines())).not.toContain('secret')
})
