import { exactDuration } from '../../domain/duration.ts'
import type { Tier } from '../../domain/tier.ts'

/** What has to be said of why, after the tier. */
const becauseOf = { optional: '', required: ' because …', ticket: ' because CHG-…' } as const

/**
 * The command that would ask for a tier of a service: `/access grant orders-svc 1h operate because …`. `command` is the
 * bot's own, where it is another.
 */
export const askCommand = (service: string, { name, usual, reason }: Tier, command = '/access'): string =>
  `${command} grant ${service} ${exactDuration(usual)} ${name}${becauseOf[reason]}`

/** A reason that is enough for any tier: for asking as if. */
export const enoughReason = 'because CHG-10'
