import { exactDuration } from '#access/domain/duration.ts'
import type { RuleCase } from '#access/rules/cases/rule-case.ts'
import { parseInstant } from '#access/rules/read-time.ts'

/**
 * The command that explains what came of a case; undefined where its facts are more than options can say: passes with
 * times or approvals of their own.
 */
export const explainCommand = (path: string, one: RuleCase): string | undefined => {
  const { who, service, at, holds, stale, happens } = one
  const plain = holds.every(
    ({ approvedBy, from, duration }) => (approvedBy ?? from ?? duration) === undefined,
  )
  const { subject, groups, roles = [], acr, signedInAt, active = true } = who
  const listed = [...groups, ...roles].every((one) => !one.includes(','))
  if (!plain || !listed) return undefined
  const request = happens.kind === 'request' ? happens : undefined
  const page = happens.kind === 'ask' ? undefined : happens.page
  const words = [
    ...(path === 'access.yaml' ? [] : ['--rules', path]),
    ...['--who', subject],
    ...(groups.length === 0 ? [] : ['--groups', groups.join(',')]),
    ...(roles.length === 0 ? [] : ['--roles', roles.join(',')]),
    ...(acr === undefined ? [] : ['--acr', acr]),
    ...(signedInAt === undefined ? [] : ['--signed-in', exactDuration(at - signedInAt)]),
    ...(active ? [] : ['--inactive']),
    ...['--service', service.name],
    ...(request === undefined ? [] : ['--method', request.method, '--path', request.path]),
    ...(holds.length === 0 ? [] : ['--holds', holds.map(({ kind, tier }) => `${kind}:${tier}`).join(',')]),
    ...(page === undefined ? [] : pageOptions(page)),
    ...(stale === 0 ? [] : ['--stale', exactDuration(stale)]),
    ...['--at', timeText(at)],
  ]
  return `pagepass rules explain ${words.map(shellWord).join(' ')}`
}

const pageOptions = (
  page: NonNullable<Extract<RuleCase['happens'], { readonly kind: 'page' }>['page']>,
): string[] => {
  const { urgency, priority, level, trigger = 'unknown', acknowledged } = page
  return [
    ...(priority === undefined ? ['--paged'] : ['--paged', priority]),
    ...['--urgency', urgency],
    ...(level === undefined ? [] : ['--level', String(level)]),
    ...['--trigger', trigger],
    ...(acknowledged ? ['--acknowledged'] : []),
  ]
}

/** As the option reads it back: `2026-11-20T12:00Z`, or with seconds. */
const timeText = (at: number): string => {
  const whole = new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
  const short = whole.replace(/:00Z$/, 'Z')
  return parseInstant(short, 'start') === at ? short : whole
}

/** A word that no shell takes for more than one. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
