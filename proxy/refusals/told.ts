import { type Reason, reasons } from '#access/domain/reasons.ts'
import type { Service } from '#access/domain/rule-set.ts'
import type { Tier } from '#access/domain/tier.ts'
import { askCommand } from '#access/rules/explain/ask-command.ts'
import type { WayIn } from '#access/rules/explain/who-may-ask.ts'

export type RefusalFacts = {
  /** The tier that would admit the request. */
  readonly needs?: Tier | undefined
  /** By which rule they may ask for it, or what would have to change first. */
  readonly way?: WayIn | undefined
  /** Seconds. */
  readonly retryAfter?: number
  /** The rate that is used up, and what is left of it, as header fields say it. */
  readonly rateLimit?: { readonly policy: string; readonly state: string }
}

/** What a refused person is told, in whatever form. Nothing in it comes from the request but which service it was for. */
export type Told = {
  readonly reason: Reason
  readonly status: number
  /** Why. */
  readonly title: string
  readonly service: string | undefined
  /** The tier that would do, and where the rules say so. */
  readonly needs: string | undefined
  readonly rule: string | undefined
  /** The rule by which they may ask, or which holds them up. */
  readonly by: string | undefined
  /** What would have to change first. */
  readonly mend: string | undefined
  /** The command that would ask for it. */
  readonly ask: string | undefined
  /** Seconds. */
  readonly retryAfter: number | undefined
}

export const toldOf = (
  reason: Reason,
  service: Service | undefined,
  { needs, way, retryAfter }: RefusalFacts,
  command?: string,
): Told => {
  const { status, person } = reasons[reason]
  const { rule: by, mend } = way ?? {}
  const canAsk = service !== undefined && needs !== undefined && mend === undefined
  return {
    reason,
    status,
    title: person,
    service: service?.name,
    needs: needs?.name,
    rule: needs === undefined ? undefined : `services.${service?.name}.tiers.${needs.name}`,
    by,
    mend,
    ask: canAsk ? askCommand(service.name, needs, command) : undefined,
    retryAfter: status === 503 || status === 429 ? (retryAfter ?? 1) : undefined,
  }
}
