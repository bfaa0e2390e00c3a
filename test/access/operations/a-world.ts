import { indexDirectory } from '#access/domain/directory-file.ts'
import { Fault } from '#access/domain/errors.ts'
import type { By, End, EndCause, Grant } from '#access/domain/grant.ts'
import { moveGrant } from '#access/domain/grant-transitions.ts'
import type { Incident } from '#access/domain/incident.ts'
import type { Person } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { createView, type ViewEvent } from '#access/domain/view.ts'
import { followIncident } from '#access/operations/follow-incident.ts'
import type { Unserved } from '#access/operations/serve-page.ts'
import type { Directory, GrantStore, LiveGrants, NewNonce } from '#access/ports.ts'
import { anIncident, aPerson, frozenClock, hour, minute, noon, rulesOf, rulesText } from '../../builders.ts'

export const ana = aPerson()
/** Of the same team as Ana. */
export const cho = aPerson({
  subject: 'idp-cho',
  name: 'Cho Park',
  slack: { team: 'T0SANDBOX', user: 'U0CHO00001' },
  pagerduty: { account: 'sandbox', user: 'PUCHO01' },
})
export const ben = aPerson({
  subject: 'idp-ben',
  name: 'Ben Okafor',
  groups: ['sre'],
  slack: { team: 'T0SANDBOX', user: 'U0BEN00001' },
  pagerduty: { account: 'sandbox', user: 'PUBEN01' },
})
export const ida = aPerson({
  subject: 'idp-ida',
  name: 'Ida Holm',
  groups: ['sre'],
  slack: { team: 'T0SANDBOX', user: 'U0IDA00001' },
  pagerduty: { account: 'sandbox', user: 'PUIDA01' },
})
/** In no group that any rule names. */
export const eve = aPerson({
  subject: 'idp-eve',
  name: 'Eve Stone',
  groups: [],
  slack: { team: 'T0SANDBOX', user: 'U0EVE00001' },
  pagerduty: { account: 'sandbox', user: 'PUEVE01' },
})
export const everyone: readonly Person[] = [ana, ben, cho, eve, ida]

/** The example rules with other words for how a page gives its pass. */
export const pageRules = (how: string, more = '', text = rulesText): RuleSet =>
  rulesOf(text.replace('    how: auto\n    for: 2h', `    how: ${how}\n    for: 2h\n${more}`))

/** A page's pass that lasts an hour, renewed up to five, with ten minutes of grace. */
export const renewing = (how = 'auto'): RuleSet =>
  rulesOf(
    rulesText.replace(
      '    how: auto\n    for: 2h',
      `    how: ${how}\n    for: 1h\n    cap: 5h\n    grace: 10m`,
    ),
  )

export const twoApprovals = (): RuleSet => rulesOf(rulesText.replace('count: 1, from', 'count: 2, from'))

export const pagedAs = ({ pagerduty, name }: Person, at = noon) => ({
  user: pagerduty?.user ?? 'nobody',
  name,
  at,
})

type Stored = { readonly version: number; readonly statement: string }

/**
 * Everything the operations need, in memory. The store compares versions and knows the same write twice, as the script
 * on Redis does; every runner has a view of its own that learns of changes only by catching up.
 */
export const aWorld = ({
  rules = rulesOf(),
  people = everyone,
}: {
  readonly rules?: RuleSet
  readonly people?: readonly Person[]
} = {}) => {
  const clock = frozenClock()
  const versions = new Map<string, Stored>()
  const ends = new Map<string, End>()
  const grants = new Map<string, Grant>()
  const events: ViewEvent[] = []
  const incidents = new Map<string, Incident>()
  const told: Unserved[] = []
  const byPages = new Set<string>()
  const takeOne = (grant: string, most: number): boolean => {
    if (byPages.has(grant)) return true
    return byPages.size < most && byPages.add(grant).has(grant)
  }
  const beforeWrites: (() => Promise<unknown>)[] = []
  let known = [...people]
  let current = rules

  const write = async (id: string, version: number, statement: string, event: object): Promise<boolean> => {
    await beforeWrites.shift()?.()
    const before = versions.get(id)
    if (before?.version === version && before.statement === statement) return true
    if ((before?.version ?? 0) !== version - 1) return false
    versions.set(id, { version, statement })
    // What was written is read back as JSON, as signed statements are.
    events.push({ ...JSON.parse(JSON.stringify(event)), sequence: events.length + 1, statement } as ViewEvent)
    return true
  }

  const store: GrantStore = {
    give: async (grant) => {
      const given = await write(grant.id, grant.version, JSON.stringify(grant), { kind: 'grant', grant })
      if (given) grants.set(grant.id, grant)
      return { given, sequence: events.length }
    },
    end: async (grant: Grant, cause: EndCause, by?: By) => {
      const state = moveGrant(grant.state, cause)
      if (state !== 'ended' && state !== 'refused')
        throw new Fault('store/conflict', `an ${grant.state} grant can't be ${cause}`)
      const { id, environment } = grant
      const end: End = {
        id,
        environment,
        state,
        cause,
        version: grant.version + 1,
        ...(by && { by }),
        at: clock.now(),
      }
      const ended = await write(id, end.version, JSON.stringify(end), { kind: 'end', end })
      if (ended) ends.set(id, end)
      return { ended, sequence: events.length }
    },
    endOf: async (id) => {
      const [grant, end] = [grants.get(id), ends.get(id)]
      return grant === undefined || end === undefined ? undefined : { grant, end }
    },
  }

  const directory: Directory = {
    bySlack: (team, user) => index().bySlack(team, user),
    byPagerDuty: (user) => index().byPagerDuty(user),
    byPrincipal: (principal) => index().byPrincipal(principal),
    activeWhere: (is) => index().activeWhere(is),
  }
  const index = () =>
    indexDirectory({
      environment: 'sandbox',
      asOf: noon,
      people: known.map((person) => ({ ...person, groups: [...person.groups] })),
    })

  const newNonce: NewNonce = () => 'n'.repeat(32)

  /** Ids of grants whose signature does not hold. */
  const forged = new Set<string>()
  const aView = (): LiveGrants => {
    const view = createView()
    view.resync(0).commit()
    return {
      get: view.get,
      all: view.all,
      genuine: async ({ grant }) => !forged.has(grant.id),
      epoch: () => 'epoch',
      confirmedUntil: () => Number.POSITIVE_INFINITY,
      catchUp: async () => {
        for (const event of events.slice(view.sequence())) view.apply(event)
      },
    }
  }

  /** One bot: a view of its own on what all share. */
  const runner = () => ({
    get rules() {
      return current
    },
    directory,
    store,
    clock,
    newNonce,
    live: aView(),
    incidents: { read: async (id: string) => incidents.get(id) },
    pagedPasses: { take: async (_: string, grant: string, most: number) => takeOne(grant, most) },
    tellUnserved: async (unserved: Unserved) => void told.push(unserved),
    receipts: { of: async () => ({ confirmed: ['proxy-a'], missing: [], streamsCut: 0 }) },
  })
  const parts = runner()

  return {
    ...parts,
    parts,
    runner,
    clock,
    told,
    events,
    forged,
    /** Runs just before the next write that has none yet, as somebody else who is faster. */
    beforeWrite: (run: () => Promise<unknown>): void => void beforeWrites.push(run),
    /** What was to run before the next write does not. */
    dropRace: (): void => void beforeWrites.splice(0),
    later: (ms: number): void => clock.set(clock.now() + ms),
    setRules: (to: RuleSet): void => {
      current = to
    },
    /** The directory as it is from now on. */
    setPeople: (to: readonly Person[]): void => {
      known = [...to]
    },
    incident: (changes: Partial<Incident> = {}): Incident => {
      const { id = 'Q1' } = changes
      const { resolution: _, ...before } = incidents.get(id) ?? anIncident({ id })
      const incident = { ...before, ...changes }
      incidents.set(id, incident)
      return incident
    },
    follow: (id = 'Q1', by = parts) => followIncident(by, id),
    /** Every grant ever given, as it last was. */
    all: (): Grant[] => [...grants.values()],
    /** The newest version of what stands, expired or not. */
    standing: (): Grant[] => [...grants.values()].filter(({ id }) => !ends.has(id)),
    endOf: (id: string): End | undefined => ends.get(id),
    /** The one grant that there is. */
    only: (): Grant => {
      const [grant, ...others] = grants.values()
      if (grant === undefined || others.length > 0) throw new Error(`${grants.size} grants`)
      return grant
    },
    put: async (grant: Grant): Promise<Grant> => {
      const { given } = await store.give(grant)
      if (!given) throw new Error(`${grant.id} is known`)
      await parts.live.catchUp()
      return grant
    },
  }
}
export type World = ReturnType<typeof aWorld>

export const resolvedBy = (by: 'person' | 'integration') =>
  ({ status: 'resolved', paged: [], acknowledgedBy: [], resolution: { by } }) as const
export const mergedInto = (into: string) =>
  ({ status: 'resolved', paged: [], acknowledgedBy: [], resolution: { by: 'merge', into } }) as const

export { hour, minute, noon }
