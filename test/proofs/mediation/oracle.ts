import type { Asked, Glass, Happened, Pass, Token } from './history.ts'
import type { World } from './world.ts'

/*
 * Who may do what, told from what has happened and from what the rule set says, by looking at all of it again for every
 * request. It shares no code with the product and keeps nothing.
 */

/** What is true of everybody who gets in. */
type Arrival = {
  readonly world: World
  readonly history: readonly Happened[]
  readonly asked: Asked
  readonly token: Token
  /** The place in the rising order of the tier that the request needs; -1 is none. */
  readonly needs: number
}
/** One version of a pass that was ever told of. */
type OfPass = Arrival & {
  /** What the proxy knows of. */
  readonly heard: readonly Happened[]
  readonly told: Happened
  readonly pass: Pass
  readonly genuine: boolean
}
type OfGlass = Arrival & { readonly glass: Glass; readonly rules: NonNullable<World['breakGlass']> }
type OfStanding = Arrival & { readonly rule: World['standing'][number] }

const leeway = 30_000
const quarterOfAnHour = 900_000
const halfAnHour = 1_800_000

/** What is true of them whatever lets them in. */
const arrival = {
  'the token is genuine': ({ token }: Arrival) => token.genuine,
  'the token has not expired': ({ token, asked }: Arrival) => asked.now < token.expires + leeway,
  'they are not locked': ({ history, token }: Arrival) => {
    const last = history.findLast(
      (one) => (one.kind === 'locked' || one.kind === 'unlocked') && one.subject === token.subject,
    )
    return last?.kind !== 'locked'
  },
  'they signed in as strongly as is demanded': ({ world, token, needs }: Arrival) => {
    const acr = world.tiers[needs]?.acr
    return acr === undefined || token.acr === acr
  },
}

const lately = {
  'they signed in as lately as is demanded': ({ world, token, needs, asked }: Arrival) => {
    const maxAge = world.tiers[needs]?.maxAge
    if (maxAge === undefined) return true
    return token.signedInAt !== undefined && asked.now <= token.signedInAt + maxAge
  },
}

/** Those that look at all of the history come last. */
const byPass = {
  'it is theirs': ({ pass, token }: OfPass) => pass.subject === token.subject,
  'it is for the service': ({ pass, asked }: OfPass) => pass.services.includes(asked.service),
  'it is signed': ({ genuine }: OfPass) => genuine,
  'it is active': ({ pass }: OfPass) => pass.state === 'active',
  'it has begun': ({ pass, asked }: OfPass) => pass.from <= asked.now,
  'it is not over': ({ pass, asked }: OfPass) => asked.now < pass.until,
  'some tier allows it': ({ needs }: OfPass) => needs >= 0,
  'it reaches that far': ({ pass, world, needs }: OfPass) => placeOf(world, pass.tier) >= needs,
  'it is of this environment': ({ pass, world }: OfPass) => pass.environment === world.environment,
  'there is no newer version': ({ heard, pass }: OfPass) =>
    !heard.some(
      (one) =>
        one.kind === 'grant' && one.genuine && one.pass.id === pass.id && one.pass.version > pass.version,
    ),
  'it has not ended': ({ heard, pass }: OfPass) =>
    !heard.some((one) => one.kind === 'end' && one.genuine && one.id === pass.id),
  'it lasts no longer than it may': (one: OfPass) =>
    isGivenByPage(one) || one.pass.until - one.pass.from <= (tierOf(one)?.longest ?? 0),
  'people like them may have it': (one: OfPass) =>
    isGivenByPage(one) || one.pass.page !== undefined || mayAsk(one),
  'it was approved where it has to be': (one: OfPass) => {
    const { approvals } = tierOf(one) ?? {}
    if (isGivenByPage(one)) return true
    if (approvals !== undefined) return isApproved(one, approvals)
    const owners = one.world.services[one.asked.service]?.owners ?? []
    return mayAsk(one) || isApproved(one, { count: 1, from: owners, distinct: false })
  },
  'nothing freezes it': ({ world, needs, asked, pass }: OfPass) =>
    isOfClearPage(pass) ||
    !world.freezes.some(
      ({ services, tiers, from, until }) =>
        services.includes(asked.service) &&
        tiers.includes(world.tiers[needs]?.name ?? '') &&
        from <= asked.now &&
        asked.now < until,
    ),
  'PagerDuty confirms its incident, or no more than the lowest tier is needed': ({
    pass,
    needs,
    heard,
    asked,
  }: OfPass) => pass.page === undefined || needs === 0 || asked.now < saidAt(heard, pass) + quarterOfAnHour,
  'the proxy has heard of it': ({ heard, told }: OfPass) => heard.includes(told),
  'the proxy heard of changes lately': ({ history, world, needs, asked }: OfPass) => {
    const heads = sinceRestart(history).flatMap((one) => (one.kind === 'head' ? [one.at] : []))
    return asked.now - Math.max(...heads) <= (world.tiers[needs]?.whenStale ?? Number.POSITIVE_INFINITY)
  },
}

/** Signed offline: by the rule set alone, however old what the proxy knows. */
const byGlass = {
  'the glass is broken for them': ({ glass, token }: OfGlass) => glass.subject === token.subject,
  'people like them may break it': ({ world, rules, token, asked }: OfGlass) =>
    isAmong(world, rules.who, token, asked.now),
  'it opens the service': ({ glass, asked }: OfGlass) => glass.services.includes(asked.service),
  'it was signed for this environment': ({ glass, world }: OfGlass) =>
    glass.environment === world.environment,
  'it is open': ({ glass, asked }: OfGlass) => glass.from <= asked.now,
  'it is open no longer': ({ glass, asked }: OfGlass) => asked.now < glass.until,
  'it is as short as it has to be': ({ glass, rules }: OfGlass) =>
    glass.until - glass.from <= Math.min(rules.lasts, halfAnHour),
  'nobody breaks more than that': ({ glass, world, rules }: OfGlass) =>
    placeOf(world, glass.tier) <= placeOf(world, rules.tier),
  'some tier allows what is behind it': ({ needs }: OfGlass) => needs >= 0,
  'what is behind it reaches that far': ({ glass, world, needs }: OfGlass) =>
    placeOf(world, glass.tier) >= needs,
  'enough of those who may have signed': ({ glass, rules }: OfGlass) =>
    glass.signers.filter((name) => rules.keys.includes(name)).length >= rules.need,
  'nobody put a false name to it': ({ glass, rules }: OfGlass) =>
    !glass.forged || !rules.keys.includes(glass.signers[0] ?? ''),
  'the proxy once knew who is locked out': ({ history }: OfGlass) =>
    sinceRestart(history).some(({ kind }) => kind === 'in step'),
}

const byStanding = {
  'it is from them': ({ rule, world, token, asked }: OfStanding) =>
    rule.workload === undefined
      ? isAmong(world, [rule.people ?? ''], token, asked.now)
      : world.workloads[rule.workload] === token.subject,
  'it is to the service': ({ rule, asked }: OfStanding) => rule.to.includes(asked.service),
  'it allows as much': ({ rule, asked, world, needs }: OfStanding) =>
    rule.allow?.some((pattern) => admits(pattern, asked)) ??
    (needs >= 0 && needs <= placeOf(world, rule.tier ?? '')),
}

export const ruleNames: readonly string[] = [
  ...Object.keys(arrival),
  ...Object.keys(lately),
  ...Object.keys(byPass),
  ...Object.keys(byGlass),
  ...Object.keys(byStanding),
]

/** One rule, forgotten or turned round, to see that it matters. */
export type Sabotage = { readonly rule: string; readonly how: 'forgotten' | 'turned round' }

const holds = <C>(rules: { readonly [name: string]: (one: C) => boolean }, one: C, bad?: Sabotage): boolean =>
  Object.entries(rules).every(([name, rule]) => {
    if (name !== bad?.rule) return rule(one)
    return bad.how === 'forgotten' || !rule(one)
  })

/** The ids of the passes, and the names of the standing rules, that let the request in. */
export const admittedBy = (
  worlds: readonly World[],
  history: readonly Happened[],
  asked: Asked,
  bad?: Sabotage,
): string[] => {
  const restarted = history.findLast(({ kind }) => kind === 'restarted')
  const world = worlds[restarted?.kind === 'restarted' ? restarted.world : 0] as World
  const signedIn = history.find((one) => one.kind === 'signed in' && one.token.number === asked.token)
  if (signedIn?.kind !== 'signed in') return []
  const needs = tierNeeded(world, asked)
  const came: Arrival = { world, history, asked, token: signedIn.token, needs }
  const heard = heardOf(history)
  const standing = world.standing.filter((rule) => {
    const own = { ...came, rule, needs: rule.allow === undefined ? needs : -1 }
    return holds(arrival, own, bad) && holds(lately, own, bad) && holds(byStanding, own, bad)
  })
  if (!holds(arrival, came, bad)) return standing.map(({ name }) => name)
  const broken = history.flatMap((one) => {
    if (one.kind !== 'glass' || one.glass.number !== asked.glass || world.breakGlass === undefined) return []
    return holds(byGlass, { ...came, glass: one.glass, rules: world.breakGlass }, bad)
      ? [`glass ${one.glass.number}`]
      : []
  })
  const others = [...broken, ...standing.map(({ name }) => name)]
  if (!holds(lately, came, bad)) return others
  const passes = history.flatMap((told) => {
    if (told.kind !== 'grant') return []
    const { pass, genuine } = told
    return holds(byPass, { ...came, heard, told, pass, genuine }, bad) ? [pass.id] : []
  })
  return [...passes, ...others]
}

/** A proxy asks for PagerDuty's word again after so long, and may go by the one before until then. */
const lookAgain = 1_000

/** The same history as whoever has not yet looked at PagerDuty's newest word again knows it. */
export const beforeTheWord = (history: readonly Happened[], now: number): readonly Happened[] =>
  history.filter((one) => one.kind !== 'confirmed' || one.toldAt + lookAgain < now)

/**
 * What somebody forged about a pass may take it away until somebody mends Redis: never give it. So whoever is refused
 * what only such a pass would admit was not wronged.
 */
export const isDoubtful = (history: readonly Happened[], id: string): boolean =>
  history.some((one) => one.kind === 'grant' && one.pass.id === id && one.genuine) &&
  history.some(
    (one) =>
      (one.kind === 'grant' && one.pass.id === id && !one.genuine) ||
      (one.kind === 'end' && one.id === id && !one.genuine),
  )

const sinceRestart = (history: readonly Happened[]): readonly Happened[] =>
  history.slice(history.findLastIndex(({ kind }) => kind === 'restarted') + 1)

/** What of it the proxy knows: all, where it is in step; before that nothing; cut off, what was until then. */
const heardOf = (history: readonly Happened[]): readonly Happened[] => {
  const last = history.findLastIndex(({ kind }) => ['restarted', 'cut off', 'in step'].includes(kind))
  const kind = history[last]?.kind
  if (kind === 'in step') return history
  return kind === 'cut off' ? history.slice(0, last) : []
}

/** When PagerDuty last stood for this version: as the newest word says, or when it followed from one without any hand. */
const saidAt = (heard: readonly Happened[], { page, byHand, at }: Pass): number => {
  const words = heard.flatMap((one) => (one.kind === 'confirmed' ? [one.word] : []))
  const newest = Math.max(...words.map((word) => word.at))
  const word = words.find((one) => one.at === newest)
  const said = word?.except.find(({ incident }) => incident === page?.incident)?.at ?? newest
  return byHand ? said : Math.max(said, at)
}

const placeOf = (world: World, tier: string): number => world.tiers.findIndex(({ name }) => name === tier)
const tierOf = ({ world, pass }: OfPass) => world.tiers.find(({ name }) => name === pass.tier)

const tierNeeded = (world: World, asked: Asked): number =>
  world.tiers.findIndex(({ name }) =>
    world.services[asked.service]?.allow[name]?.some((pattern) => admits(pattern, asked)),
  )

const isAmong = (world: World, names: readonly string[], token: Token, now: number): boolean =>
  names.some((name) => {
    const set = world.people[name]
    return (
      set !== undefined && token.groups.includes(set.group) && now < (set.until ?? Number.POSITIVE_INFINITY)
    )
  })

const mayAsk = ({ world, token, asked, pass }: OfPass): boolean =>
  world.asking.some(({ who, tiers }) => tiers.includes(pass.tier) && isAmong(world, who, token, asked.now))

const isGivenByPage = (one: OfPass): boolean =>
  one.pass.page !== undefined &&
  tierOf(one)?.approvals === undefined &&
  one.world.pages.some(
    ({ services, who, give, cap }) =>
      services.includes(one.asked.service) &&
      give === one.pass.tier &&
      one.pass.until - one.pass.from <= cap &&
      isAmong(one.world, who, one.token, one.asked.now),
  )

const isOfClearPage = ({ page }: Pass): boolean => page !== undefined && page.doubt !== 'page-by-self'

type Demand = NonNullable<World['tiers'][number]['approvals']>

const isApproved = ({ pass }: OfPass, { count, from, distinct }: Demand): boolean => {
  const others = pass.approvals.filter(({ subject }) => subject !== pass.subject)
  const people = others.map(({ teams }) => teams.filter((team) => from.includes(team)))
  if (!distinct) return people.filter(({ length }) => length > 0).length >= count
  return teamsOf(people, []) >= count
}

/** The most teams that stand for somebody: every way of choosing is tried. */
const teamsOf = ([first, ...rest]: readonly (readonly string[])[], taken: readonly string[]): number => {
  if (first === undefined) return taken.length
  const ways = first.filter((team) => !taken.includes(team)).map((team) => teamsOf(rest, [...taken, team]))
  return Math.max(teamsOf(rest, taken), ...ways)
}

const admits = (pattern: string, { method, path }: Asked): boolean => {
  const [wanted = '', shape = ''] = pattern.split(' ')
  if ((wanted === 'WS') !== (method === 'WS')) return false
  if (wanted !== '*' && wanted !== method && !(wanted === 'GET' && method === 'HEAD')) return false
  const parts = shape.split('/')
  const found = path.split('/')
  const open = parts.at(-1) === '**'
  if (open) parts.pop()
  if (open ? found.length <= parts.length : found.length !== parts.length) return false
  return parts.every((part, index) => (part === '*' ? found[index] !== '' : part === found[index]))
}
