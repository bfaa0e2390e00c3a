import { isShort, isWithin } from '#access/domain/break-glass/limits.ts'
import type { Glass } from '#access/domain/break-glass/pass.ts'
import { exactDuration } from '#access/domain/duration.ts'
import { Fault } from '#access/domain/errors.ts'
import { type BreakGlass, type RuleSet, tierOf } from '#access/domain/rule-set.ts'

const invalid = (what: string, mend: string): Fault => new Fault('break-glass/invalid', what, { mend })

const glassOf = ({ breakGlass }: RuleSet): BreakGlass => {
  if (breakGlass === undefined)
    throw invalid('the rules know no break-glass', 'let them say break_glass, and have proxies take them')
  return breakGlass
}

/** Says at once what proxies with these rules would refuse, but for the person's groups. */
export const checkByRules = (body: Glass, rules: RuleSet): void => {
  const glass = glassOf(rules)
  if (body.environment !== rules.environment)
    throw invalid(
      `the pass is for ${body.environment}, the rules are of ${rules.environment}`,
      'name the right rules, or another --environment',
    )
  if (body.who.issuer !== rules.identity.issuer)
    throw invalid(
      `the rules take tokens of ${rules.identity.issuer} alone`,
      `write --who ${rules.identity.issuer}+${body.who.subject}`,
    )
  for (const name of body.services) {
    const service = rules.services.get(name)
    if (service === undefined) throw invalid(`there is no service ${name}`, 'name one that the rules have')
    if (!isWithin(service, tierOf(service, body.tier), glass))
      throw invalid(
        `breaking the glass does not reach ${body.tier} of ${name}`,
        `name a tier up to ${glass.tier}`,
      )
  }
  if (!isShort(body, glass))
    throw invalid(
      `a pass for ${exactDuration(body.until - body.from)} is too long`,
      `write --for ${exactDuration(glass.for)}, or less`,
    )
}

/** Whether a key is among those that count. */
export const isNamed = (key: Buffer, rules: RuleSet): boolean =>
  [...glassOf(rules).keys.values()].some((x) => Buffer.from(x, 'base64url').equals(key))

export const checkSigner = (key: Buffer, rules: RuleSet): void => {
  if (!isNamed(key, rules))
    throw new Fault('keys/missing', 'the rules don’t name this key, so its signature would not count', {
      mend: `sign with one of: ${[...glassOf(rules).keys.keys()].join(', ')}`,
    })
}
