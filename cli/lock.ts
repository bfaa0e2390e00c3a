import { loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { Fault } from '#access/domain/errors.ts'
import { createClock } from '#access/runtime/clock.ts'

const answerWithinMs = 15_000

/**
 * Signs the order to lock somebody out and brings it to a bot. It needs the key that may do only that, and no right to
 * Redis, Slack or anything else; the order holds no secret. Prints what the bot says.
 */
export const lockOut = async (
  subject: string,
  options: {
    readonly because: string
    readonly keys: string
    readonly environment: string
    readonly bot: string
  },
): Promise<void> => {
  const { because, environment } = options
  const statements = createStatements(await loadKeys(options.keys, 'responder', environment))
  const order = await statements.sign('lock-order', {
    environment,
    subject,
    because,
    at: createClock().now(),
  })
  const response = await fetch(new URL('/api/v1/locks', options.bot), {
    method: 'POST',
    headers: { 'content-type': 'application/jose' },
    body: order,
    redirect: 'error',
    signal: AbortSignal.timeout(answerWithinMs),
  }).catch((error: Error) => {
    throw new Fault(
      'store/unreachable',
      `${subject} is NOT locked out: the bot at ${options.bot} does not answer`,
      {
        cause: error,
        mend: 'try another bot, or: /access lock in Slack',
      },
    )
  })
  const said = await response.text()
  if (!response.ok)
    throw new Fault(
      'statement/invalid',
      `${subject} is NOT locked out: the bot says ${response.status} ${said}`,
    )
  process.stdout.write(`${said}\n`)
}
