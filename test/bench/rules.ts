import { fork } from 'node:child_process'
import { once } from 'node:events'
import { keepCompactly } from '#access/domain/compact-grant.ts'
import { type DecisionRequest, decideRequest } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import { type Proven, principalKey } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { createView, type View } from '#access/domain/view.ts'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'
import { median, percentile, round } from '../measure.ts'

export type RulesBenchOptions = {
  readonly json: boolean
  readonly rounds: number
  /** Different requests per rule set, each decided three times a round. */
  readonly requests: number
}

/** Of how many services, each with how many resources of eight patterns; so many of them are asked for. */
type Size = { readonly services: number; readonly resources: number; readonly used: number }
type Scene = {
  readonly rules: RuleSet
  readonly view: View
  readonly requests: readonly DecisionRequest[]
}
/** Microseconds per call. */
type Sample = { readonly p50: number; readonly p99: number; readonly find: number }

const sizes = {
  small: { services: 10, resources: 1, used: 10 },
  large: { services: 1_000, resources: 1, used: 1_000 },
  /** The large one, of which as much is used as there is in the small one. */
  partly: { services: 1_000, resources: 1, used: 10 },
  one: { services: 1, resources: 1_250, used: 1 },
} satisfies Record<string, Size>
export type Name = keyof typeof sizes
const names: readonly Name[] = ['small', 'large', 'partly', 'one']

const issuer = 'https://idp.example.com'
const now = Date.UTC(2026, 0, 15, 12)
const hour = 3_600_000
const principals = 2_000
const batch = 100

/**
 * How long a decision takes, and whether it grows with the rule set: `decideRequest` with the service already found, as
 * the proxy's pipeline calls it. The rule sets are read from YAML by the parser that every process uses; a service has
 * ten rules in each of 10 and 1,000 services, and one service alone has 10,000 patterns. Principals and grants are as
 * many in all of them.
 *
 * `p50` is the median of batches of 100 calls, each divided by 100; `p99` is of calls timed one by one, so it holds what
 * the timer itself takes. Nothing is subtracted. Each rule set has a process of its own, as a proxy has one rule set and
 * one view; they take turns within a round. The first round only warms up.
 *
 * Each figure is that of the quietest round, and a ratio is of two such figures: what else runs on the machine can only
 * add to what a round takes. The medians over the rounds, which hold that too, are told beside them.
 */
export const benchRules = async ({ json, rounds, requests }: RulesBenchOptions): Promise<void> => {
  const scenes = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await startScene(name, requests)] as const)),
  ) as Record<Name, RunningScene>
  const samples: Record<Name, Sample>[] = []
  for (let number = 0; number <= rounds; number += 1) {
    const sampled = {} as Record<Name, Sample>
    for (const name of names) sampled[name] = await scenes[name].sample()
    if (number > 0) samples.push(sampled)
  }
  for (const name of names) scenes[name].stop()
  report(json, { rounds, requests }, scenes, samples)
}

/** What one scene holds, and a process of its own that decides in it, as a proxy has one rule set and one view. */
type RunningScene = {
  readonly facts: Facts
  readonly sample: () => Promise<Sample>
  readonly stop: () => void
}
type Facts = {
  readonly services: number
  readonly rules: number
  readonly grants: number
  readonly allowedShare: number
}

const startScene = async (name: Name, requests: number): Promise<RunningScene> => {
  const child = fork(new URL('rules-main.ts', import.meta.url), [name, String(requests)])
  const answer = async (): Promise<unknown> => {
    const [message] = (await once(child, 'message')) as [unknown]
    return message
  }
  // Only what `serveScene` sends comes this way.
  const facts = (await answer()) as Facts
  process.stderr.write(`${name}: ${facts.services} services, ${facts.rules} rules\n`)
  return {
    facts,
    sample: () => {
      child.send('sample')
      return answer() as Promise<Sample>
    },
    stop: () => child.disconnect(),
  }
}

/** What the process of one scene does: tells what it holds, then a sample whenever it is asked. */
export const serveScene = (name: Name, requests: number): void => {
  const scene = sceneOf(sizes[name], requests)
  const facts: Facts = {
    services: scene.rules.services.size,
    rules: countRules(scene.rules),
    grants: [...scene.view.all()].length,
    allowedShare: allowedShare(scene),
  }
  process.on('message', () => process.send?.(sample(scene)))
  process.send?.(facts)
}

const sample = ({ rules, view, requests }: Scene): Sample => {
  const decide = (request: DecisionRequest) => decideRequest(rules, view, request, now)
  const find = ({ service, method, path }: DecisionRequest) => service.routes.find(method, path)
  return {
    p50: median(timeBatches(requests, decide)),
    p99: percentile(timeEach(requests, decide), 0.99),
    find: median(timeBatches(requests, find)),
  }
}

/** Results are kept until the batch is over, so that no call can be left out. */
const kept: unknown[] = new Array(batch)

const timeBatches = (
  requests: readonly DecisionRequest[],
  call: (request: DecisionRequest) => unknown,
): number[] => {
  const times: number[] = []
  for (let start = 0; start + batch <= requests.length; start += batch) {
    const some = requests.slice(start, start + batch).map(fresh)
    const startedAt = performance.now()
    for (const [place, request] of some.entries()) kept[place] = call(request)
    times.push(((performance.now() - startedAt) * 1_000) / batch)
  }
  return times
}

const timeEach = (
  requests: readonly DecisionRequest[],
  call: (request: DecisionRequest) => unknown,
): number[] =>
  requests.map((made) => {
    const request = fresh(made)
    const startedAt = performance.now()
    kept[0] = call(request)
    return (performance.now() - startedAt) * 1_000
  })

const sceneOf = (size: Size, count: number): Scene => {
  const parsed = parseRuleSet(filesOf(size))
  if (!parsed.ok)
    throw new Error(parsed.faults.map(({ file, line, what }) => `${file}:${line} ${what}`).join('\n'))
  const { rules } = parsed
  const people = Array.from({ length: principals }, (_, number) => provenOf(number, size))
  const view = viewOf(rules, size)
  const services = [...rules.services.values()]
  const requests = Array.from({ length: count }, (_, number): DecisionRequest => {
    const turn = shuffled(number, count)
    const asker = turn % principals
    // So that everybody asks for everything in their turn.
    const what = turn + Math.floor(turn / principals)
    // One in twenty asks for a service of others, where there are others.
    const team = (teamOf(asker, size) + (what % 20 === 7 ? 1 : 0)) % size.used
    const [who, service] = [people[asker], services[team]]
    if (who === undefined || service === undefined) throw new Error('no principals or no services')
    const [method, path] = askOf(what, size)
    return { who, service, method, path: received(path) }
  })
  return { rules, view, requests }
}

/** Each number below `count` once, far from its neighbours: 7,919 is a prime that divides no round number. */
const shuffled = (number: number, count: number): number => (number * 7_919) % count

/** The same request as if it had just been read: what a proxy decides on was parsed a moment before. */
const fresh = ({ who, service, method, path }: DecisionRequest): DecisionRequest => ({
  who,
  service,
  method,
  path: received(path),
})

/** A string of its own in one piece, as Node's HTTP parser makes them. */
const received = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

const teamOf = (principal: number, { used }: Size): number => principal % used
const subjectOf = (principal: number): string => `00u${String(principal).padStart(17, '0')}`

const provenOf = (number: number, size: Size): Proven => {
  const subject = received(subjectOf(number))
  const groups = ['everyone', 'engineers', `team-${teamOf(number, size)}`]
  return { issuer, subject, principal: received(principalKey({ issuer, subject })), groups }
}

const pageRuleOf = (number: number): string => `
  - { services: [svc-${number}], who: [team-${number}], urgency: high, give: operate, how: on acknowledge, for: 2h, cap: 8h }`
const requestRuleOf = (number: number): string => `
  - { services: [svc-${number}], who: [team-${number}], tiers: [observe, operate], how: at once }`

/** A folder: what is common, and a file for each team. */
const filesOf = ({ services, resources }: Size): RuleFile[] => {
  const numbers = Array.from({ length: services }, (_, number) => number)
  const common = `
version: 1
environment: production
domain: access.example.com
identity: { issuer: "${issuer}", audience: pagepass }
people:${numbers.map((number) => `\n  team-${number}: { groups: [team-${number}] }`).join('')}
tiers:
  observe: { longest: 8h, rate: 50/s, when_stale: 15m }
  operate: { longest: 2h, rate: 10/s, when_stale: 2m }
  admin: { longest: 1h, rate: 5/s, when_stale: 30s }
on_page:${numbers.map(pageRuleOf).join('')}
on_request:${numbers.map(requestRuleOf).join('')}
`
  return [
    { name: 'access.yaml', part: 'common', bytes: common },
    ...numbers.map(
      (number): RuleFile => ({
        name: `services/team-${number}.yaml`,
        part: 'team',
        bytes: `services:${serviceText(number, resources)}`,
      }),
    ),
  ]
}

const serviceText = (number: number, resources: number): string => {
  const each = (text: (resource: string) => string): string =>
    Array.from({ length: resources }, (_, place) => `\n        - ${text(resourceOf(place))}`).join('')
  return `
  svc-${number}:
    releases: { blue: "http://svc-${number}.internal:8080" }
    serve: blue
    channel: "#inc-${number}"
    owners: [team-${number}]
    tiers:
      observe:${each((name) => `GET /v1/${name}`)}${each((name) => `GET /v1/${name}/*`)}${each((name) => `GET /v1/${name}/*/events`)}
      operate:${each((name) => `POST /v1/${name}/*/retry`)}${each((name) => `PUT /v1/${name}/*/flags/**`)}${each((name) => `PATCH /v1/${name}/*`)}
      admin:${each((name) => `DELETE /v1/${name}/*`)}${each((name) => `"* /admin/${name}/**"`)}
`
}

const resourceOf = (place: number): string => (place === 0 ? 'orders' : `orders-${place}`)

/** What is asked: nine in ten within `operate`, of which two thirds read. */
const askOf = (what: number, { resources }: Size): readonly [string, string] => {
  const name = resourceOf((what * 31) % resources)
  const id = 100_000 + what
  switch (what % 10) {
    case 0:
    case 1:
      return ['GET', `/v1/${name}`]
    case 2:
    case 3:
    case 4:
      return ['GET', `/v1/${name}/${id}`]
    case 5:
      return ['GET', `/v1/${name}/${id}/events`]
    case 6:
    case 7:
      return ['POST', `/v1/${name}/${id}/retry`]
    case 8:
      return ['PUT', `/v1/${name}/${id}/flags/dry-run/on`]
    default:
      return what % 20 === 9 ? ['DELETE', `/v1/${name}/${id}`] : ['GET', `/internal/${name}/${id}`]
  }
}

/** Everybody holds a pass of their team's service, by page or by asking; every second one holds a lower one, too. */
const viewOf = (rules: RuleSet, size: Size): View => {
  const view = createView(keepCompactly)
  const next = view.resync(0)
  const load = (grant: Grant): void => void next.load(grant, statementOf(grant))
  for (let number = 0; number < principals; number += 1) {
    load(grantOf(rules, number, 'operate', size))
    if (number % 2 === 0) load(grantOf(rules, number, 'observe', size))
  }
  next.commit()
  view.headSeen(now)
  return view
}

/** As a proxy receives it, with a signature that nobody checks here. */
const statementOf = (grant: Grant): string =>
  ['{}', JSON.stringify(grant), new Uint8Array(64)]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

const grantOf = (rules: RuleSet, number: number, tier: 'observe' | 'operate', size: Size): Grant => {
  const team = teamOf(number, size)
  const paged = tier === 'operate' && number % 3 > 0
  const [first, second] = [String(number).padStart(4, '0'), tier === 'operate' ? 'oper' : 'obse']
  return {
    id: `${first}-${second}-0000`,
    version: 1,
    environment: rules.environment,
    state: 'active',
    step: 'given',
    who: { issuer, subject: subjectOf(number), name: `Person ${number}` },
    services: [`svc-${team}`],
    tier,
    from: now - hour,
    until: now + hour,
    duration: 2 * hour,
    why: paged
      ? {
          kind: 'page',
          rule: `on_page[${team}]`,
          incident: { id: `Q${number}`, number, title: 'Orders are late' },
        }
      : { kind: 'request', rule: `on_request[${team}]`, reason: 'stuck orders' },
    nonce: String(number).padStart(22, '0'),
    rules: rules.hash,
    at: now - hour,
  }
}

/** Patterns of services, and the rules of pages and requests. */
const countRules = ({ services, onPage, onRequest }: RuleSet): number =>
  [...services.values()].flatMap(({ tiers }) => tiers.flatMap(({ patterns }) => patterns)).length +
  onPage.length +
  onRequest.length

const allowedShare = ({ rules, view, requests }: Scene): number =>
  requests.filter((request) => decideRequest(rules, view, request, now).allow).length / requests.length

const lowest = (values: readonly number[]): number => Math.min(...values)

const report = (
  json: boolean,
  run: { readonly rounds: number; readonly requests: number },
  scenes: Readonly<Record<Name, RunningScene>>,
  samples: readonly Readonly<Record<Name, Sample>>[],
): void => {
  const over = (figure: (values: readonly number[]) => number, name: Name, field: keyof Sample): number =>
    figure(samples.map((sampled) => sampled[name][field]))
  const of = (name: Name, field: keyof Sample, figure = lowest): number => round(over(figure, name, field), 3)
  const ratio = (field: keyof Sample, name: Name = 'large', figure = lowest): number =>
    round(over(figure, name, field) / over(figure, 'small', field))
  const result = {
    name: 'rules',
    services: scenes.large.facts.services,
    rules: scenes.large.facts.rules,
    counted: 'patterns of services, on_page and on_request rules',
    ...run,
    principals,
    grants: scenes.large.facts.grants,
    allowed_share: round(scenes.large.facts.allowedShare),
    p50_us: of('large', 'p50'),
    p99_us: of('large', 'p99'),
    scale_ratio: ratio('p50'),
    median_of_rounds: {
      p50_us: of('large', 'p50', median),
      p99_us: of('large', 'p99', median),
      scale_ratio: ratio('p50', 'large', median),
    },
    /** The same with requests for ten of the 1,000 services: what is left of the ratio when as much is in cache. */
    scale_ratio_same_use: ratio('p50', 'partly'),
    small: {
      services: scenes.small.facts.services,
      rules: scenes.small.facts.rules,
      p50_us: of('small', 'p50'),
      p99_us: of('small', 'p99'),
    },
    one_service_rules: scenes.one.facts.rules,
    one_service_p50_us: of('one', 'p50'),
    one_service_p99_us: of('one', 'p99'),
    /** The search for the pattern alone, which is a part of each decision. */
    find: {
      p50_us: of('large', 'find'),
      scale_ratio: ratio('find'),
      one_service_p50_us: of('one', 'find'),
    },
  }
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  process.stdout.write('one decision in µs, in the quietest round\n')
  for (const name of names) {
    const { services, rules } = scenes[name].facts
    const all = `${services} services (${sizes[name].used} used), ${rules} rules`
    const figures = [of(name, 'p50'), of(name, 'p99'), of(name, 'find')]
    process.stdout.write(
      `${all.padEnd(44)}p50 ${figures[0]}  p99 ${figures[1]}  (finding the pattern ${figures[2]})\n`,
    )
  }
  process.stdout.write(`1,000 services ÷ 10 services: ${result.scale_ratio}\n`)
}
