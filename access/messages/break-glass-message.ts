import type { Glass } from '../domain/break-glass/pass.ts'
import { code, dayAndTime, quoted } from './slack-text.ts'

/** To the channel and the owners of a service: it was opened by a pass that was signed offline. */
export const brokenGlassText = (
  { services, tier, from, until, because }: Glass,
  /** Of whom it was for. */
  name: string,
  keys: readonly string[],
  firstUsedAt: number,
  id: string,
): string =>
  [
    `:rotating_light: *Break-glass*: *${quoted(name, 100)}* got in to ${services.map(code).join(', ')} up to ${code(tier)} by a pass that was signed offline with the keys ${keys.map(code).join(' and ')}.`,
    `Reason: ${quoted(because, 500)}.`,
    `It was good from ${dayAndTime(from)} until ${dayAndTime(until)}, and first used ${dayAndTime(firstUsedAt)}. The proxies’ audit has what was done under ${code(id)}.`,
  ].join('\n')
