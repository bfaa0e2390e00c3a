import { Fault } from '../domain/errors.ts'
import type { Grant } from '../domain/grant.ts'
import { byOf, causeOfRevoking } from '../domain/grant-transitions.ts'
import { whyInactive } from '../domain/inactive.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import { belongsTo, type RuleSet } from '../domain/rule-set.ts'
import type { DecideParts, Receipt, Receipts } from '../ports.ts'
import { standing } from './find-held.ts'
import { goOf } from './go.ts'

export type EndGoOutcome =
  /** `left` is how many others stand, for services that the person does not own. */
  | { readonly ended: readonly Grant[]; readonly left: number; readonly receipt: Receipt }
  | { readonly refused: Reason }

/** It may be decided on again and again meanwhile. */
const attempts = 20

/**
 * Ends all that a commander gave in one go. Whoever commands may, and who may lock; who owns services ends what is for those
 * alone. Doing it again changes nothing.
 */
export const endGo = async (
  parts: DecideParts & { readonly receipts: Receipts },
  person: Person,
  why: Extract<Grant['why'], { kind: 'command' }>,
): Promise<EndGoOutcome> => {
  const { rules, live, clock } = parts
  await live.catchUp()
  const now = clock.now()
  if (!person.active) return { refused: whyInactive(person) }
  const all = goOf(live, why.go, now)
  const mayAll = mayEndAll(rules, person, why, now)
  const mine = mayAll ? all : all.filter((grant) => ownsAll(rules, person, grant, now))
  if (!mayAll && mine.length === 0) return { refused: 'not-yours' }
  const ends = (await Promise.all(mine.map(({ id }) => endOne(parts, person, id)))).filter(
    (one) => one !== undefined,
  )
  if (ends.length === 0) return { refused: 'already-decided' }
  const receipts = await Promise.all(ends.map(({ sequence, grant }) => parts.receipts.of(sequence, grant.id)))
  return { ended: ends.map(({ grant }) => grant), left: all.length - mine.length, receipt: oneOf(receipts) }
}

/** Who gave it, whoever may give such now, and whoever may lock people out. */
const mayEndAll = (
  rules: RuleSet,
  person: Person,
  { commander }: Extract<Grant['why'], { kind: 'command' }>,
  now: number,
): boolean =>
  principalKey(commander) === principalKey(person) ||
  belongsTo(rules, [...(rules.incidentCommand?.who ?? []), ...(rules.lock?.who ?? [])], person, now)

const ownsAll = (rules: RuleSet, person: Person, { services }: Grant, now: number): boolean =>
  services.every((name) => belongsTo(rules, rules.services.get(name)?.owners ?? [], person, now))

const endOne = async (
  { live, store, clock }: DecideParts,
  person: Person,
  id: string,
): Promise<{ readonly grant: Grant; readonly sequence: number } | undefined> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const now = clock.now()
    const grant = await standing(live, id, now)
    if (grant === undefined) return undefined
    const { ended, sequence } = await store.end(grant, causeOfRevoking(grant, now), byOf(person))
    if (ended) return { grant, sequence }
  }
  throw new Fault('store/conflict', `the pass ${id} changed ${attempts} times while it was to be ended`)
}

/** A proxy confirmed when it confirmed every one of them. */
const oneOf = (receipts: readonly Receipt[]): Receipt => {
  const missing = [...new Set(receipts.flatMap((one) => one.missing))].sort()
  const confirmed = [...new Set(receipts.flatMap((one) => one.confirmed))].sort()
  return {
    confirmed: confirmed.filter((proxy) => !missing.includes(proxy)),
    missing,
    streamsCut: receipts.reduce((sum, { streamsCut }) => sum + streamsCut, 0),
    ...(receipts.some(({ replicated }) => replicated !== undefined)
      ? { replicated: receipts.every(({ replicated }) => replicated !== false) }
      : {}),
  }
}
