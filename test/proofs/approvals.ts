import { mayHold } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { beginGrant } from '#access/operations/begin-grant.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { aWorld, type World } from '../access/operations/a-world.ts'
import { aGrant, rulesOf, rulesText, serviceIn, tierIn } from '../builders.ts'
import { type Account, type Clicked, createOracle, type Terms } from './approvals/oracle.ts'
import type { Proof } from './proof.ts'
import { type Random, randomOf, seedOfRun } from './random.ts'

const minute = 60_000
const hour = 60 * minute
const actsEach = 10
const team = 'T0SANDBOX'
const issuers = ['http://127.0.0.1:7074', 'http://elsewhere.example']
const groups = ['sre', 'team-payments', 'leads']
const slackUsers = ['U1', 'U2', 'U3', 'U4', 'U5', 'U6', 'U7']

const termsOf = (count: number, from: readonly string[], distinct = false): Terms => ({
  issuer: issuers[0] ?? '',
  team,
  sets: { sre: 'sre', payments: 'team-payments' },
  askers: ['sre'],
  count,
  from,
  distinct,
})
const kinds: readonly { readonly terms: Terms; readonly rules: RuleSet }[] = [
  termsOf(1, ['sre']),
  termsOf(2, ['sre']),
  termsOf(2, ['sre', 'payments']),
  termsOf(2, ['sre', 'payments'], true),
].map((terms) => {
  const { count, from, distinct } = terms
  const words = `count: ${count}, from: [${from.join(', ')}]${distinct ? ', distinct: teams' : ''}`
  return { terms, rules: rulesOf(rulesText.replace('count: 1, from: [sre]', words)) }
})

type Counts = { active: number; over: number; pending: number; races: number }

/**
 * No self-approval (I-06): random graphs of people (linked and unlinked Slack accounts, other issuers, deactivated, in other
 * groups by the time it begins), and clicks by any account. What becomes of a request, and by whose approvals, is what a naive
 * oracle says; a proxy refuses the pass where its own holder stands for an approver. A trial is a graph.
 */
export const proveApprovals: Proof = async (trials, say) => {
  const seed = seedOfRun()
  say(`PROOF_SEED=${seed}`)
  const violations: string[] = []
  const counts: Counts = { active: 0, over: 0, pending: 0, races: 0 }
  for (let number = 0; number < trials; number += 1) {
    const violated = (what: string): void => void violations.push(`graph ${number}: ${what}`)
    await runOnce(randomOf(seed, `graph ${number}`), counts, violated)
    if ((number + 1) % 10_000 === 0) say(`${number + 1} of ${trials} graphs, ${violations.length} violations`)
  }
  if (trials >= 100 && (counts.active === 0 || counts.races === 0))
    violations.push('nothing was ever approved: this proves nothing')
  return { violations, missed: [], seed, ...counts }
}

const runOnce = async (random: Random, counts: Counts, violated: (what: string) => void): Promise<void> => {
  const { terms, rules } = random.pick(kinds)
  let directory = someAccounts(random)
  const asker: Account = { ...(directory[0] as Account), issuer: terms.issuer, active: true, groups: ['sre'] }
  directory = [asker, ...directory.slice(1).filter((one) => keyOf(one) !== keyOf(asker))]
  const world = aWorld({ rules, people: directory.map(personOf) })
  const { parts, clock } = world
  const beginsAt = random.chance(0.4) ? clock.now() + 30 * minute : undefined
  const lapsesAt = beginsAt ?? clock.now() + hour
  const oracle = createOracle(terms, asker, { lapsesAt, beginsAt, lasts: hour })
  const asked = await world.put(requestOf(terms, rules, asker, beginsAt, lapsesAt))
  const deciding = world.runner()

  const act = async (by: Clicked, what: 'approve' | 'deny', with_ = parts): Promise<void> => {
    const person = with_.directory.bySlack(by.team, by.user)
    if (person === undefined) return
    if (what === 'approve') await approveGrant(with_, person, asked.id)
    else await denyGrant(with_, person, asked.id)
  }
  for (let number = 0; number < actsEach; number += 1) {
    world.later(random.pick([1, 1_000, 4_000, 10 * minute]))
    const now = clock.now()
    if (random.chance(0.2)) {
      directory = changed(random, directory)
      world.setPeople(directory.map(personOf))
    }
    const [one, other] = [someClick(random), someClick(random)]
    const what = random.chance(0.85) ? 'approve' : 'deny'
    if (random.chance(0.25)) {
      // Somebody else decides after this one has looked and before it is written: they come first.
      const faster = random.chance(0.5) ? 'approve' : 'deny'
      let raced = false
      world.beforeWrite(async () => {
        raced = true
        counts.races += 1
        oracle[faster](directory, other, now)
        await act(other, faster, deciding)
      })
      await act(one, what)
      if (!raced) world.dropRace()
    } else await act(one, what)
    oracle[what](directory, one, now)
    compare(world, asked.id, oracle, asker, violated)
  }
  if (beginsAt !== undefined) {
    clock.set(Math.max(clock.now(), beginsAt))
    directory = random.chance(0.5) ? changed(random, directory) : directory
    world.setPeople(directory.map(personOf))
    await parts.live.catchUp()
    await beginGrant(parts, asked.id)
    oracle.begin(directory, clock.now())
    compare(world, asked.id, oracle, asker, violated)
  }
  counts[oracle.state(clock.now())] += 1
  await refusedWithOwn(world, rules, asked.id, asker, violated)
}

type Oracle = ReturnType<typeof createOracle>

const compare = (
  world: World,
  id: string,
  oracle: Oracle,
  asker: Account,
  violated: (what: string) => void,
): void => {
  const now = world.clock.now()
  const grant = world.all().find((one) => one.id === id)
  if (grant === undefined) return violated('the request is gone')
  const isOver = world.endOf(id) !== undefined || now >= grant.until
  const state = isOver ? 'over' : grant.state
  if (state !== oracle.state(now)) violated(`it is ${state}, and the oracle says ${oracle.state(now)}`)
  const by = (grant.approvals ?? []).map(({ issuer, subject }) => `${issuer} ${subject}`).sort()
  if (by.includes(`${asker.issuer} ${asker.subject}`)) violated('somebody approved for themself')
  if (!isOver && by.join() !== oracle.approvedBy().join())
    violated(`it was approved by ${by.join(', ')}, and the oracle says ${oracle.approvedBy().join(', ')}`)
}

/** A proxy counts no approval of the holder's, whoever signed it. */
const refusedWithOwn = async (
  world: World,
  rules: RuleSet,
  id: string,
  asker: Account,
  violated: (what: string) => void,
): Promise<void> => {
  const grant = world.all().find((one) => one.id === id)
  const [first, ...others] = grant?.approvals ?? []
  if (grant?.state !== 'active' || first === undefined) return
  const { issuer, subject } = asker
  const forged = { ...grant, approvals: [{ ...first, issuer, subject }, ...others] }
  const service = serviceIn(rules)
  const holder = personOf(asker)
  if (mayHold(rules, service, tierIn(service, 'admin'), holder, forged, grant.from))
    violated('a proxy takes an approval of the holder’s own')
}

const someAccounts = (random: Random): Account[] => {
  const aliases = random.shuffled(slackUsers)
  return Array.from({ length: random.whole(3, 6) }, (_, number) => ({
    issuer: random.chance(0.85) ? (issuers[0] ?? '') : (issuers[1] ?? ''),
    // The same subject at another provider is somebody else.
    subject: `s${random.chance(0.8) ? number : 0}`,
    groups: groups.filter(() => random.chance(0.6)),
    active: random.chance(0.9),
    slack: random.chance(0.85) ? aliases[number] : undefined,
  })).filter((one, at, all) => all.findIndex((other) => keyOf(other) === keyOf(one)) === at)
}
const keyOf = ({ issuer, subject }: Account): string => `${issuer} ${subject}`

/** Another directory: somebody is deactivated, in other groups, gone, or an alias is linked to somebody else. */
const changed = (random: Random, directory: readonly Account[]): Account[] => {
  const at = random.below(directory.length)
  const one = directory[at] as Account
  const rest = directory.filter((_, index) => index !== at)
  switch (random.below(4)) {
    case 0:
      return [...rest, { ...one, active: !one.active }]
    case 1:
      return [...rest, { ...one, groups: groups.filter(() => random.chance(0.6)) }]
    case 2:
      return rest.length < 2 ? [...directory] : rest
    default: {
      const [other, ...others] = rest
      return other === undefined
        ? [...directory]
        : [...others, { ...one, slack: other.slack }, { ...other, slack: one.slack }]
    }
  }
}

const someClick = (random: Random): Clicked => ({
  team: random.chance(0.95) ? team : 'T0ELSEWHERE',
  user: random.pick(slackUsers),
})

const personOf = ({ issuer, subject, groups: of, active, slack }: Account): Person => ({
  issuer,
  subject,
  name: subject,
  groups: of,
  active,
  ...(slack === undefined ? {} : { slack: { team, user: slack } }),
})

const requestOf = (
  { count, from, distinct }: Terms,
  rules: RuleSet,
  { issuer, subject }: Account,
  beginsAt: number | undefined,
  lapsesAt: number,
): Grant =>
  aGrant({
    environment: rules.environment,
    state: 'pending',
    step: 'asked',
    who: { issuer, subject, name: subject },
    tier: 'admin',
    until: lapsesAt,
    why: { kind: 'request', rule: 'on_request[1]', reason: 'it has to be' },
    approvers: { count, from: [...from], ...(distinct ? { distinct: true as const } : {}) },
    ...(beginsAt === undefined ? {} : { begins: { at: beginsAt, zone: 'UTC' } }),
  })
