import { addSignature, newGlass, readSigned } from '#access/adapters/break-glass/sign-pass.ts'
import type { Glass, GlassPass } from '#access/domain/break-glass/pass.ts'
import { parseDuration } from '#access/domain/duration.ts'
import { Fault } from '#access/domain/errors.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { createClock } from '#access/runtime/clock.ts'
import { newGlassNonce } from '#access/runtime/glass-nonce.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { checkByRules, checkSigner } from './check-by-rules.ts'
import { type ChooseOptions, chooseSigner } from './choose-signer.ts'
import { glassWords, readPass } from './show.ts'

export type SignOptions = ChooseOptions & {
  readonly service: string
  readonly tier: string
  readonly who: string
  readonly for?: string
  readonly because?: string
  readonly environment?: string
  readonly rules?: string
}

type Unsigned = Pick<GlassPass, 'body' | 'bytes' | 'signatures'>

/** Signs a new pass, or one that somebody signed already, and prints it; what it says goes to standard error. */
export const signGlass = async (
  file: string | undefined,
  options: SignOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> => {
  const rules = options.rules === undefined ? undefined : (await loadRules(options.rules)).rules
  const now = createClock().now()
  const pass: Unsigned =
    file === undefined
      ? newGlass(newBody(options, rules, now))
      : checkMeant(readSigned(await readPass(file)), options)
  if (now >= pass.body.until) throw invalid('this pass is over', 'make a new one, without naming a file')
  if (rules !== undefined) checkByRules(pass.body, rules)
  const signer = await chooseSigner(options, rules, environment)
  if (rules !== undefined) checkSigner(signer.key, rules)
  const text = await addSignature(pass, signer)
  process.stderr.write(glassWords(readSigned(text), rules))
  process.stdout.write(`${text}\n`)
}

const invalid = (what: string, mend: string): Fault => new Fault('break-glass/invalid', what, { mend })

const servicesOf = ({ service }: SignOptions): string[] =>
  service
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** An issuer is a URL, and holds no `+` as a rule; a subject may. */
const whoOf = ({ who }: SignOptions): Glass['who'] => {
  const [issuer = '', ...rest] = who.split('+')
  const subject = rest.join('+')
  if (!URL.canParse(issuer) || subject === '')
    throw invalid(`--who ${who} names nobody`, 'write issuer and subject: --who https://idp.example.com+00u1')
  return { issuer, subject }
}

const newBody = (options: SignOptions, rules: RuleSet | undefined, now: number): Glass => {
  const lasts = parseDuration(options.for ?? '')
  if (lasts === undefined) throw invalid('it is not said for how long', 'say it: --for 20m')
  const because = options.because?.trim() ?? ''
  if (because === '') throw invalid('it is not said why', 'say it: --because "Redis and Slack are down"')
  const environment = options.environment ?? rules?.environment
  if (environment === undefined)
    throw invalid('it is not said for which environment', 'say it: --environment production, or --rules FILE')
  return {
    environment,
    who: whoOf(options),
    services: servicesOf(options),
    tier: options.tier,
    from: now,
    until: now + lasts,
    because,
    nonce: newGlassNonce(),
  }
}

/** Nobody signs what they did not mean to. */
const checkMeant = (pass: GlassPass, options: SignOptions): GlassPass => {
  const { body } = pass
  const who = whoOf(options)
  const lasts = options.for === undefined ? undefined : parseDuration(options.for)
  const differs = Object.entries({
    service: [...new Set(servicesOf(options))].sort().join() !== body.services.join(),
    tier: options.tier !== body.tier,
    who: who.issuer !== body.who.issuer || who.subject !== body.who.subject,
    environment: options.environment !== undefined && options.environment !== body.environment,
    for: options.for !== undefined && lasts !== body.until - body.from,
    because: options.because !== undefined && options.because.trim() !== body.because,
  }).flatMap(([option, is]) => (is ? [`--${option}`] : []))
  if (differs.length > 0)
    throw invalid(
      `the pass says something else than ${differs.join(', ')}`,
      'see what it says with: pagepass break-glass show FILE; and sign only what you mean',
    )
  return pass
}
