import type { Random } from '../random.ts'
import { glassKeyNames } from './glass-keys.ts'
import type { Asked, Glass, Happened, Pass, Token } from './history.ts'
import { groups, methods, paths, services, sets, startsAt, type World } from './world.ts'

const minute = 60_000
const subjects = ['ana', 'ben', 'cho', 'w-1']
const tiers = ['observe', 'operate', 'admin']
const incidents = ['I1', 'I2', 'I3']
const confirmedFor = 15 * minute

/** What a history comes to, step by step: most of it ordinary, some of it what only an attacker or a fault would do. */
export const createLife = (random: Random, worlds: readonly [World, World]) => {
  const { chance, pick, whole, below, shuffled } = random
  const newest: Pass[] = []
  /** Signed versions of which this process has heard that there is a newer one, or an end. */
  const old: Pass[] = []
  const tokens: Token[] = []
  const glasses: Glass[] = []
  const ended = new Set<string>()
  const locked = new Set<string>()
  const edges: number[] = worlds.flatMap(({ people, freezes }) => [
    ...Object.values(people).flatMap(({ until }) => (until === undefined ? [] : [until])),
    ...freezes.flatMap(({ from, until }) => [from, until]),
  ])
  let now = startsAt
  let world = worlds[0]
  let cut = true
  let headAt = now
  let count = 0
  let lastAsked: Asked | undefined

  const some = <T>(from: readonly T[], least = 1): T[] => shuffled(from).slice(0, whole(least, from.length))

  /** A moment, or many hours; often right before, at or after one at which something changes. */
  const passTime = (): void => {
    if (chance(0.35)) return
    if (chance(0.3)) {
      const due = [...edges, ...world.tiers.map(({ whenStale }) => headAt + whenStale)].filter(
        (edge) => edge > now && edge < now + (chance(0.1) ? 120 : 10) * minute,
      )
      if (due.length > 0) now = Math.max(now, pick(due) + pick([-1, 0, 1]))
      return
    }
    now += chance(0.9) ? below(20_000) : chance(0.9) ? below(5 * minute) : below(90 * minute)
  }

  const signIn = (): Happened => {
    const second = Math.floor(now / 1_000) * 1_000
    const subject = pick(subjects)
    const token: Token = {
      number: tokens.length,
      genuine: chance(0.93),
      subject,
      groups: chance(0.6) ? groups : some(groups, 0),
      acr: pick([undefined, 'pwd', 'mfa', 'mfa', 'mfa', 'mfa', 'mfa']),
      signedInAt: chance(0.1) ? undefined : second - pick([0, 0, 0, 0, 10, 50, 59, 60, 90]) * minute,
      expires: second + pick([10, 60, 60, 240]) * minute,
    }
    edges.push(token.expires, token.expires + 30_000)
    if (token.signedInAt !== undefined)
      edges.push(...world.tiers.flatMap(({ maxAge }) => (maxAge ? [(token.signedInAt ?? 0) + maxAge] : [])))
    tokens.push(token)
    return { kind: 'signed in', token }
  }

  const remember = (pass: Pass, genuine: boolean): Happened => {
    if (genuine) {
      const place = newest.findIndex(({ id }) => id === pass.id)
      if (place !== -1 && !cut) old.push(newest[place] as Pass)
      newest.splice(place === -1 ? newest.length : place, 1, pass)
      edges.push(pass.from, pass.until, pass.at + confirmedFor)
    }
    return { kind: 'grant', pass, genuine }
  }

  const give = (genuine = true): Happened => {
    count += 1
    const number = count.toString(36).padStart(12, '0')
    const from = now + (chance(0.8) ? 0 : whole(1, 60) * minute)
    const tier = pick(tiers)
    const longest = world.tiers.find(({ name }) => name === tier)?.longest ?? minute
    const lasts = chance(0.8) ? whole(1, 45) * minute : pick([longest, longest + 1, 300 * minute])
    const subject = pick(subjects)
    const approvers = shuffled(chance(0.8) ? ['lea', 'max', 'zoe'] : [subject, 'lea', 'max'])
    return remember(
      {
        id: `${number.slice(0, 4)}-${number.slice(4, 8)}-${number.slice(8)}`,
        version: 1,
        environment: chance(0.97) ? world.environment : 'other',
        state: chance(0.8) ? 'active' : pick(['offered', 'pending']),
        subject,
        services: some(services),
        tier,
        from,
        until: from + lasts,
        page: chance(0.5)
          ? undefined
          : {
              incident: pick(incidents),
              ...pick([{}, {}, { doubt: 'page-by-self' } as const, { doubt: 'page-late' } as const]),
            },
        byHand: chance(0.6),
        at: now,
        approvals: approvers
          .slice(0, pick([0, 1, 2, 3, 3]))
          .map((approver) => ({ subject: approver, teams: chance(0.6) ? sets : some(sets) })),
      },
      genuine,
    )
  }

  const step = (pass: Pass): Happened => {
    const next = { ...pass, version: pass.version + 1, byHand: chance(0.6), at: now }
    if (pass.state !== 'active') {
      const moved = Math.max(pass.from, now)
      return remember({ ...next, state: 'active', from: moved, until: moved + whole(1, 60) * minute }, true)
    }
    const until = chance(0.5)
      ? pass.until + whole(1, 30) * minute
      : Math.max(now + below(minute), pass.from + 1)
    return remember({ ...next, until, ...(chance(0.1) ? { services: some(services) } : {}) }, true)
  }

  const end = (pass: Pass, genuine: boolean): Happened => {
    const { id, version } = pass
    if (genuine) {
      ended.add(id)
      if (!cut) old.push(pass)
    }
    return { kind: 'end', id, version: version + 1, genuine }
  }

  const head = (): Happened => {
    headAt = Math.max(headAt, now - pick([0, 0, 500, 3_000]))
    return { kind: 'head', at: headAt }
  }

  const confirm = (): Happened => {
    const at = now - pick([0, 0, 0, 1_000, 5 * minute, 20 * minute])
    const doubted = chance(0.4) ? some(incidents) : []
    const except = doubted.map((incident) => ({
      incident,
      at: at - pick([minute, 10 * minute, 30 * minute]),
    }))
    for (const one of [{ at }, ...except]) edges.push(one.at + confirmedFor)
    return { kind: 'confirmed', word: { at, except }, toldAt: now }
  }

  const breakGlass = (): Happened => {
    const rules = world.breakGlass
    const from = now + pick([0, 0, 0, 0, minute])
    const lasts = chance(0.9)
      ? (rules?.lasts ?? 10 * minute) - below(5 * minute)
      : pick([31 * minute, 60 * minute])
    const named = shuffled(rules?.keys ?? glassKeyNames).slice(0, (rules?.need ?? 1) + below(2))
    const glass: Glass = {
      number: glasses.length,
      environment: chance(0.95) ? world.environment : 'other',
      subject: pick(subjects),
      services: some(services),
      tier: chance(0.8) ? (rules?.tier ?? 'admin') : pick(tiers),
      from,
      until: from + lasts,
      signers: chance(0.7) ? named : shuffled(glassKeyNames).slice(0, whole(1, 3)),
      forged: chance(0.1),
    }
    edges.push(glass.from, glass.until)
    glasses.push(glass)
    return { kind: 'glass', glass }
  }

  const goOn = (): Happened[] => {
    if (cut) {
      cut = false
      headAt = now
      return [{ kind: 'in step' }, head()]
    }
    cut = true
    if (chance(0.7)) return [{ kind: 'cut off' }]
    const number = below(worlds.length)
    world = worlds[number] as World
    old.length = 0
    return [{ kind: 'restarted', world: number }]
  }

  const change = (): Happened[] => {
    const going = newest.filter(({ id }) => !ended.has(id))
    const one = going.length > 0 ? pick(going.slice(-8)) : undefined
    const chosen = below(100)
    if (tokens.length === 0) return [signIn()]
    const usable = tokens.filter(({ expires }) => expires > now).length
    if (chosen < (usable < 4 ? 50 : 6)) return [signIn()]
    if (one === undefined || chosen < 24) return [give()]
    if (chosen < 38) return [step(one)]
    if (chosen < 43) return [end(one, true)]
    if (chosen < 44) return [end(one, false)]
    if (chosen < 45)
      return [remember({ ...one, version: one.version + 1, until: one.until + 60 * minute, at: now }, false)]
    if (chosen < 47) return [give(false)]
    if (chosen < 48 && !cut && old.length > 0) return [{ kind: 'replayed', pass: pick(old.slice(-8)) }]
    if (chosen < 50) {
      const subject = locked.size > 0 && chance(0.85) ? pick([...locked]) : pick(subjects)
      const isLocked = !locked.delete(subject)
      if (isLocked) locked.add(subject)
      return [{ kind: isLocked ? 'locked' : 'unlocked', subject }]
    }
    if (chosen < (cut ? 80 : 53)) return goOn()
    if (chosen < 60 && !cut) return [confirm()]
    if (chosen < 66 || (cut && chosen < 85)) return [breakGlass()]
    return cut ? [] : [head()]
  }

  /** What a pattern admits, mostly one that the tier reaches. */
  const allowed = (service: string, tier: string | undefined) => {
    const reach = tier === undefined || chance(0.15) ? tiers : tiers.slice(0, tiers.indexOf(tier) + 1)
    const patterns = world.services[service]?.allow[pick(reach)] ?? []
    const [method = '', path = ''] = (chance(0.1) ? 'POST /hooks/*' : pick(patterns)).split(' ')
    return {
      method: method === '*' ? pick(methods) : method,
      path: path.replace('**', pick(['x', 'x/y'])).replace('*', 'x'),
    }
  }

  const ask = (): Asked => {
    if (lastAsked !== undefined && chance(0.2)) return { ...lastAsked, now }
    const going = newest.filter(({ id }) => chance(0.3) || !ended.has(id)).slice(-8)
    const glass = glasses.length > 0 && chance(0.25) ? pick(glasses.slice(-3)) : undefined
    const aim = glass ?? (going.length > 0 && chance(0.85) ? pick(going) : undefined)
    const fresh = tokens.filter(({ expires }) => expires + minute > now || chance(0.02))
    const own = fresh.filter(({ subject }) => subject === aim?.subject)
    const service = aim !== undefined && chance(0.9) ? pick(aim.services) : pick(services)
    return {
      token: (own.length > 0 && chance(0.95) ? pick(own.slice(-3)) : pick(fresh.length > 0 ? fresh : tokens))
        .number,
      ...(glass === undefined ? {} : { glass: glass.number }),
      service,
      ...(chance(0.75) ? allowed(service, aim?.tier) : { method: pick(methods), path: pick(paths) }),
      now,
    }
  }

  return {
    /** The next things that happen, and what is asked for then. */
    next: (): { readonly happened: readonly Happened[]; readonly asked: Asked } => {
      passTime()
      const happened = change()
      lastAsked = ask()
      return { happened, asked: lastAsked }
    },
  }
}
