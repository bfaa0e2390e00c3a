import { withoutSecrets } from '#access/runtime/plain-error.ts'
import type { Line } from './examine.ts'

const secretNames = [
  'SLACK_BOT_TOKEN',
  'SLACK_SIGNING_SECRET',
  'PAGERDUTY_TOKEN',
  'PAGERDUTY_WEBHOOK_SECRET',
  'REDIS_SENTINEL_PASSWORD',
] as const
/** What is shorter is a part of ordinary words, and would be given away by the gaps. */
const shortest = 8

/**
 * Takes out of a line the secrets of this environment, whatever looks like one, and what a terminal would obey: errors
 * of others' come here as they are.
 */
export const withoutSecretsOf = (environment: NodeJS.ProcessEnv): ((line: Line) => Line) => {
  const url = environment['REDIS_URL'] ?? ''
  // As it is written there, whatever is wrong with the rest of it.
  const password = /^[a-z+]+:\/\/[^:@/]*:([^@]*)@/.exec(url)?.[1] ?? ''
  const known = [
    ...secretNames.flatMap((name) => (environment[name] ?? '').split(',')),
    password,
    decoded(password),
  ]
    .map((secret) => secret.trim())
    .filter((secret) => secret.length >= shortest)
  const plain = (text: string): string =>
    withoutSecrets(known.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)).replaceAll(
      /(?!\n)\p{C}/gu,
      '',
    )
  return ({ check, state, what, mend }) => ({
    check,
    state,
    what: plain(what),
    ...(mend === undefined ? {} : { mend: plain(mend) }),
  })
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
