import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '#access/domain/duration.ts'
import type { Asker } from '#access/rules/explain/asker.ts'
import { explainService } from '#access/rules/explain/explain-service.ts'
import { type PageFacts, usualPage } from '#access/rules/explain/supposed-page.ts'
import type { SupposedPass } from '#access/rules/explain/supposed-pass.ts'
import { explainRequest } from '#access/rules/explain.ts'
import type { SoundRuleSet } from '#access/rules/parse-rule-set.ts'
import { parseInstant } from '#access/rules/read-time.ts'
import { createClock } from '#access/runtime/clock.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { hasColours } from '../print.ts'
import { requestJson, serviceJson } from './explain-json.ts'
import { requestText, serviceText } from './explain-text.ts'

type ExplainOptions = {
  readonly rules: string
  readonly who: string
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly service: string
  readonly method?: string
  readonly path?: string
  /** Milliseconds since the epoch. */
  readonly at?: number
  readonly holds?: readonly SupposedPass[]
  /** A priority, or just that there is a page. */
  readonly paged?: string | true
  readonly urgency?: 'high' | 'low'
  readonly level?: number
  readonly trigger?: string
  readonly acknowledged?: boolean
  readonly acr?: string
  /** How long ago, in milliseconds. */
  readonly signedIn?: number
  readonly inactive?: boolean
  /** In milliseconds. */
  readonly stale?: number
  readonly json?: boolean
}

const help = `
With --method and --path it answers for one request, as the proxy would: the decision, the rule with its line, what was
tested and whether it held, and what would have to change. Without them it says what they may ask for on the service,
and what a page gives them. The decisions are the ones of the processes themselves; nothing is sent anywhere.

Exit code: 0 it is allowed (or something may be asked for); 3 it is refused (or nothing may); 1 the rule set has
faults, or the options do.

  pagepass rules explain --who ana --groups sre --service orders-svc --method POST --path /v1/orders/7/retry
  pagepass rules explain --who ana --groups sre --service orders-svc --paged P1 --trigger PIDATADOG`

/** Makes a new command `explain`. */
export const addExplain = (command: Command, environment: NodeJS.ProcessEnv): void => {
  command
    .description('say what somebody may do and why: the rule with its line, and what would have to change')
    .option('--rules <path>', 'the rule set', 'access.yaml')
    .requiredOption('--who <subject>', 'who asks: the subject at the identity provider')
    .option('--groups <list>', 'their groups there, with commas', listed, [])
    .option('--roles <list>', 'their roles there, with commas', listed, [])
    .requiredOption('--service <name>', 'what they want to reach')
    .option('--method <method>', 'of a request; WS for a WebSocket')
    .option('--path <path>', 'of a request, as it is sent')
    .option('--at <time>', 'when: 2026-12-20T18:00+01:00, or a day (by default now)', moment)
    .option('--holds <passes>', 'as if they held a pass of this tier: operate, or page:operate', passes)
    .option('--paged [priority]', 'as if a page had reached them, such as P1')
    .addOption(new Option('--urgency <urgency>', 'of the page').choices(['high', 'low']))
    .option('--level <number>', 'of the escalation policy (1)', level)
    .option('--trigger <id>', 'the integration that set it off, or self (one that the service trusts)')
    .option('--acknowledged', 'as if they had acknowledged it')
    .option('--acr <class>', 'the class of their sign-in, such as mfa')
    .option('--signed-in <duration>', 'how long ago they signed in, such as 20m', duration)
    .option('--inactive', 'as if the directory said that they are not active')
    .option('--stale <duration>', 'of a request: how old what the proxy knows of passes is', duration)
    .option('--json', 'one JSON object')
    .addHelpText('after', help)
    .action((options: ExplainOptions) => explain(options, command, environment))
}

/** Prints why. Exit codes: 0 allowed; 3 refused. Faults with `rules/invalid` and `rules/unreadable`. */
const explain = async (
  options: ExplainOptions,
  command: Command,
  environment: NodeJS.ProcessEnv,
): Promise<void> => {
  const { method, path, service } = options
  if ((method === undefined) !== (path === undefined))
    command.error(`error: say both --method and --path, or neither`)
  const parsed = await loadRules(options.rules)
  const now = options.at ?? createClock().now()
  const who = askerOf(options, now)
  const page = pageOf(options, parsed)
  const common = { who, service, now, ...(page !== undefined && { page }) }
  const colours = hasColours(environment)

  const known = parsed.rules.services.get(service)
  if (known === undefined || (method !== undefined && path !== undefined)) {
    const { holds = [], stale: viewAge = 0 } = options
    const question = { ...common, method: method ?? 'GET', path: path ?? '/', holds, viewAge }
    const it = explainRequest(parsed, question)
    process.stdout.write(
      options.json ? requestJson(question, it) : requestText(parsed.rules, question, it, colours),
    )
    process.exitCode = it.decision.allow ? 0 : 3
    return
  }
  const it = explainService(parsed, who, known, now, page)
  process.stdout.write(options.json ? serviceJson(common, it) : serviceText(common, it, colours))
  process.exitCode = it.asking.some(({ decision }) => decision.give) ? 0 : 3
}

const askerOf = (
  { who, groups, roles, acr, signedIn, inactive = false }: ExplainOptions,
  now: number,
): Asker => ({
  subject: who,
  groups,
  roles,
  ...(acr !== undefined && { acr }),
  ...(signedIn !== undefined && { signedInAt: now - signedIn }),
  ...(inactive && { active: false }),
})

/** The page they are paged by, where there is one. What is not said is as it mostly is. */
const pageOf = (
  { paged, urgency, level: at, trigger, acknowledged, service }: ExplainOptions,
  { rules }: SoundRuleSet,
): PageFacts | undefined => {
  if ([paged, urgency, at, trigger, acknowledged].every((one) => one === undefined)) return undefined
  return {
    ...usualPage(rules.services.get(service)),
    ...(typeof paged === 'string' && { priority: paged }),
    ...(urgency !== undefined && { urgency }),
    ...(at !== undefined && { level: at }),
    ...(trigger !== undefined && { trigger }),
    ...(acknowledged !== undefined && { acknowledged }),
  }
}

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

const moment = (text: string): number => {
  const at = parseInstant(text, 'start')
  if (at === undefined) throw new InvalidArgumentError('Write 2026-12-20T18:00+01:00, or a day: 2026-12-20.')
  return at
}

const duration = (text: string): number => {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('Write 20m, 2h or 1h30m.')
  return ms
}

const level = (text: string): number => {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('Write a number from 1.')
  return Number(text)
}

const passes = (text: string): SupposedPass[] =>
  listed(text).map((one) => {
    const [, kind, tier] = /^(?:(page|request):)?([a-z][a-z0-9_-]*)$/.exec(one) ?? []
    if (tier === undefined) throw new InvalidArgumentError('Write a tier: operate, or page:operate.')
    return { tier, kind: kind === 'page' ? 'page' : 'request' }
  })
