import type { MessageJob, Place } from '#access/adapters/queues.ts'
import type { Occasions } from '#access/adapters/redis/occasions.ts'
import { createGlassBook } from '#access/domain/break-glass/book.ts'
import { isShort } from '#access/domain/break-glass/limits.ts'
import type { Report } from '#access/domain/report.ts'
import { belongsTo, type RuleSet } from '#access/domain/rule-set.ts'
import { brokenGlassText } from '#access/messages/break-glass-message.ts'
import type { Clock, Directory } from '#access/ports.ts'
import type { AddTo } from './outbox/keep-owed.ts'

export type AnnounceGlassParts = {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly occasions: Pick<Occasions, 'add' | 'grantsOf'>
  readonly messages: AddTo<MessageJob>
  readonly clock: Clock
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}

/** More than so many are not told by direct message. */
const mostTold = 30

/**
 * Tells the channel and the owners of each service, once, of a pass that was signed offline and used. Proxies say so: what
 * they send counts only where the keys that this process's rules name signed it.
 */
export const createAnnounceGlass = ({
  rules,
  directory,
  occasions,
  messages,
  clock,
  alarm,
}: AnnounceGlassParts) => {
  const book = createGlassBook(rules)

  const placesOf = (services: readonly string[]): Place[] => {
    const named = services.flatMap((name) => rules.services.get(name) ?? [])
    const owners = directory
      .activeWhere((person) => named.some((service) => belongsTo(rules, service.owners, person, clock.now())))
      .flatMap(({ slack }) => slack ?? [])
      .slice(0, mostTold)
    return [...[...new Set(named.map(({ channel }) => channel))].map((channel) => ({ channel })), ...owners]
  }

  return async ({ proxy, at, statement }: Extract<Report, { kind: 'break-glass' }>): Promise<void> => {
    const pass = book.read(statement)
    const held = pass?.prove()
    const { breakGlass } = rules
    if (pass === undefined || held === undefined || breakGlass === undefined)
      return alarm('a proxy let somebody in by a break-glass pass that does not hold here', { proxy })
    const { body, principal } = pass
    const { id, why } = held.grant
    const keys = why.kind === 'break-glass' ? (why.keys ?? []) : []
    if (body.environment !== rules.environment || !isShort(body, breakGlass))
      return alarm('a proxy let somebody in by a break-glass pass beyond the rules here', { proxy, pass: id })
    if ((await occasions.grantsOf(id)).includes(id)) return
    alarm('break-glass: somebody got in by a pass that was signed offline', { proxy, pass: id, keys })
    const name = directory.byPrincipal(principal)?.name ?? body.who.subject
    const text = brokenGlassText(body, name, keys, at, id)
    for (const to of placesOf(body.services)) {
      const where = 'channel' in to ? to.channel : to.user
      await messages.add('broke-glass', { kind: 'notice', to, text }, { jobId: `${id}-${where}` })
    }
    await occasions.add(id, id)
  }
}
