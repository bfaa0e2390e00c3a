import type { Grant } from '../domain/grant.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import { belongsTo, type RuleSet } from '../domain/rule-set.ts'
import type { Clock, GrantStore, LiveGrants, Receipt, Receipts } from '../ports.ts'

export type RevokeOutcome =
  | { readonly revoked: Grant; readonly receipt: Receipt }
  | { readonly refused: 'grant-unknown' | 'not-yours' }
  /** Several passes fit the name; one has to be chosen by its id. */
  | { readonly choose: readonly Grant[] }

/**
 * Revokes one pass, named by its id, or by its service where the person holds just one. One's own always; somebody
 * else's as an owner of its service. Ends when every proxy confirmed, or the time for that is over.
 */
export const revokeGrant = async (
  {
    rules,
    live,
    store,
    receipts,
    clock,
  }: {
    readonly rules: RuleSet
    readonly live: LiveGrants
    readonly store: GrantStore
    readonly receipts: Receipts
    readonly clock: Clock
  },
  person: Person,
  named: string,
): Promise<RevokeOutcome> => {
  await live.catchUp()
  const now = clock.now()
  const active = [...live.all()].filter(({ grant }) => grant.until > now)
  const me = principalKey(person)
  const byId = active.find(({ grant }) => grant.id === named)
  const mine = active.filter(({ grant }) => grant.services.includes(named) && principalKey(grant.who) === me)
  if (byId === undefined && mine.length > 1) return { choose: mine.map(({ grant }) => grant) }
  const held = byId ?? mine[0]
  if (held === undefined || !(await live.genuine(held))) return { refused: 'grant-unknown' }
  const { grant } = held
  if (principalKey(grant.who) !== me && !ownsServices(rules, person, grant)) return { refused: 'not-yours' }
  const by = { issuer: person.issuer, subject: person.subject, name: person.name }
  const { ended, sequence } = await store.end(grant, 'revoked', by)
  if (!ended) return { refused: 'grant-unknown' }
  return { revoked: grant, receipt: await receipts.of(sequence) }
}

const ownsServices = (rules: RuleSet, person: Person, grant: Grant): boolean =>
  person.active &&
  grant.services.every((name) => {
    const service = rules.services.get(name)
    return service !== undefined && belongsTo(rules, service.owners, person.groups)
  })
