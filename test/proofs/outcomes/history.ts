import type { Redis } from 'ioredis'
import { names } from '#access/adapters/redis/names.ts'
import type { Statements } from '#access/adapters/statements.ts'
import type { End, Grant } from '#access/domain/grant.ts'
import { type GrantState, moveGrant } from '#access/domain/grant-transitions.ts'

export type Happened = { readonly sequence: number; readonly statement: string } & (
  | { readonly kind: 'grant'; readonly grant: Grant }
  | { readonly kind: 'end'; readonly end: End }
)
/** Everything that happened to one grant, in order. */
export type Life = {
  readonly id: string
  readonly events: readonly Happened[]
  readonly first: Grant
  readonly last: Grant
  readonly end: End | undefined
}

/** The stream of changes as it is in Redis, read once and kept by grant. */
export const readHistory = (redis: Redis, statements: Statements, violated: (what: string) => void) => {
  const lives = new Map<string, Happened[]>()
  /** Grants that were judged, by the number of their last event. */
  const judged = new Map<string, number>()
  let sequence = 0
  let reading = Promise.resolve()

  const read = async (): Promise<void> => {
    for (const [entry, fields] of await redis.xrange(names.events, `(${sequence}-0`, '+')) {
      const number = Number(entry.split('-')[0])
      if (number !== sequence + 1) violated(`event ${number} follows event ${sequence}`)
      sequence = number
      const [, kind, , id = '', , statement = ''] = fields
      if (judged.has(id)) violated(`${id}: an event ${number} after its race was judged`)
      const event: Happened =
        kind === 'grant'
          ? { sequence, statement, kind, grant: await statements.verify('grant', statement) }
          : { sequence, statement, kind: 'end', end: await statements.verify('end', statement) }
      lives.set(id, [...(lives.get(id) ?? []), event])
    }
  }

  return {
    events: (): number => sequence,
    /** The grants of some people, with everything that happened to them until now. */
    of: async (subjects: ReadonlySet<string>): Promise<Life[]> => {
      reading = reading.then(read)
      await reading
      return [...lives].flatMap(([id, events]) => {
        const grants = events.flatMap((event) => (event.kind === 'grant' ? [event.grant] : []))
        const [first, last] = [grants[0], grants.at(-1)]
        if (first === undefined || last === undefined || !subjects.has(first.who.subject)) return []
        const end = events.findLast((event) => event.kind === 'end')
        return [{ id, events, first, last, end: end?.kind === 'end' ? end.end : undefined }]
      })
    },
    /** These have had their race: nothing may happen to them any more. */
    close: (all: readonly Life[]): void => {
      for (const { id } of all) {
        judged.set(id, sequence)
        lives.delete(id)
      }
    },
  }
}
export type History = ReturnType<typeof readHistory>

/** What is wrong with the way one grant went: versions, transitions, times, and what Redis holds of it. */
export const faultsOf = async (redis: Redis, life: Life): Promise<string[]> => {
  const { id, events } = life
  const faults: string[] = []
  let state: GrantState = 'none'
  let version = 0
  let before: Grant | undefined
  for (const event of events) {
    const is = event.kind === 'grant' ? event.grant : event.end
    const step = event.kind === 'grant' ? event.grant.step : event.end.cause
    if (is.version !== version + 1) faults.push(`version ${is.version} follows version ${version}`)
    if (moveGrant(state, step) !== is.state) faults.push(`${step} led from ${state} to ${is.state}`)
    if (event.kind === 'grant' && before !== undefined && event.grant.at >= before.until)
      faults.push(`${step} ${event.grant.at - before.until} ms after the time of version ${version} was over`)
    state = is.state
    version = is.version
    before = event.kind === 'grant' ? event.grant : before
  }
  const [versioned, live, ended] = await Promise.all([
    redis.hget(names.versions, id),
    redis.hget(names.live, id),
    redis.hget(names.ended, id),
  ])
  const last = events.at(-1)
  const lastGrant = events.findLast(({ kind }) => kind === 'grant')
  if (!`${versioned} `.startsWith(`${version} ${last?.sequence} `))
    faults.push(`Redis has it at "${versioned}"`)
  const over = last?.kind === 'end'
  if (live !== (over ? null : last?.statement)) faults.push('Redis holds another live statement')
  if (ended !== (over ? `${lastGrant?.statement} ${last?.statement}` : null))
    faults.push('Redis holds another end')
  return faults.map((fault) => `${id}: ${fault}`)
}

/** Whether somebody has two grants of one incident for one service in the end; where nothing was merged or taken back, ever. */
export const twoAtOnce = (lives: readonly Life[]): string | undefined => {
  const holds = new Map<string, string>()
  const moved = lives.some(({ events }) =>
    events.some(
      (event) => event.kind === 'grant' && (event.grant.step === 'moved' || event.grant.step === 'restored'),
    ),
  )
  const all = lives.flatMap(({ id, events, last, end }) =>
    moved
      ? [...(end === undefined ? [{ id, sequence: 0, grant: last }] : [])]
      : events.map((event) => ({
          id,
          sequence: event.sequence,
          grant: event.kind === 'grant' ? event.grant : undefined,
        })),
  )
  for (const { id, grant } of all.sort((a, b) => a.sequence - b.sequence)) {
    for (const [key, holder] of holds) if (holder === id) holds.delete(key)
    // What its incident let go of runs out beside what is given anew.
    if (grant === undefined || grant.why.kind !== 'page' || grant.ending !== undefined) continue
    const key = JSON.stringify([grant.why.incident.id, grant.who.subject, grant.services])
    const other = holds.get(key)
    if (other !== undefined) return `${other} and ${id} stand at once`
    holds.set(key, id)
  }
  return undefined
}
