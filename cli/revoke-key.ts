import { appendFile } from 'node:fs/promises'
import { z } from 'zod'
import { loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { Fault } from '#access/domain/errors.ts'
import { createClock } from '#access/runtime/clock.ts'
import { counted, jsonLine } from './print.ts'

export type RevokeOptions = {
  readonly because?: string
  readonly keys: string
  readonly environment: string
  readonly bot?: readonly string[]
  readonly out?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

const answerWithinMs = 30_000

const signedShape = z.object({
  passes: z.number(),
  offers: z.number(),
  requests: z.number(),
  locks: z.number(),
  lifts: z.number(),
})
const receiptShape = z.object({
  confirmed: z.array(z.string()),
  missing: z.array(z.string()),
  streamsCut: z.number(),
  replicated: z.boolean().optional(),
})
const answerShape = z.object({
  role: z.string().optional(),
  signed: signedShape,
  left: signedShape.optional(),
  receipt: receiptShape.optional(),
  waitingFor: z.array(z.string()).optional(),
  already: z.boolean().optional(),
  heldByThisBot: z.boolean().optional(),
})
type Answer = z.output<typeof answerShape>

/**
 * Revokes a key: signs that it is trusted no more, and brings that to a bot, which spreads it, or writes it to a file for hosts
 * that Redis does not reach or that Redis can't be trusted for. Tells what was ended and who confirmed.
 */
export const revokeKey = async (kid: string, options: RevokeOptions): Promise<void> => {
  const { keys: folder, environment, because, bot = [], out, dryRun = false } = options
  const keys = await loadKeys(folder, 'security', environment)
  const role = keys.trusted.get(kid)?.role
  if (role === undefined)
    throw new Fault('keys/missing', `nobody trusts a key "${kid}" by ${folder}/trusted.json`, {
      mend: `the keys there are: ${[...keys.trusted.keys()].join(', ')}`,
    })
  if (role === 'revoke')
    throw new Fault('keys/forbidden', `"${kid}" is a key that revokes others, and is not revoked by one`, {
      mend: 'take it out of trusted.json of every part, and replace the processes',
    })
  if (bot.length === 0 && (out === undefined || dryRun))
    throw new Fault(
      'config/invalid',
      `nobody is told: name a bot with --bot${dryRun ? '' : ', or a file with --out'}`,
    )
  if (!dryRun && because === undefined)
    throw new Fault('config/invalid', 'say why with --because: it can’t be taken back')

  const statements = createStatements(keys)
  const at = createClock().now()
  const statement = dryRun
    ? await statements.sign('revocation-question', { environment, kid, at })
    : await statements.sign('revocation', { environment, kid, because: because ?? '', at })
  if (!dryRun && out !== undefined) {
    await appendFile(out, `${statement}\n`).catch((error: NodeJS.ErrnoException) => {
      throw new Fault('file/unwritable', `${out} can't be written (${error.code})`, {
        mend: 'choose another file',
      })
    })
    process.stdout.write(
      options.json
        ? jsonLine({ kid, role, out })
        : `Put ${out} as revoked.jws beside trusted.json of every part.\n`,
    )
  }
  if (bot.length === 0) return
  const answer = await askAny(bot, `/api/v1/key-revocations${dryRun ? '/question' : ''}`, statement, kid)
  process.stdout.write(options.json ? jsonLine({ kid, ...answer }) : tellAnswer(kid, role, answer, dryRun))
  const { receipt, left, waitingFor = [] } = answer
  if (
    !dryRun &&
    (receipt === undefined || receipt.missing.length > 0 || liveOf(left) > 0 || receipt.replicated === false)
  )
    process.exitCode = 2
  if (waitingFor.length > 0 && !options.json)
    process.stdout.write(`The bot now waits for ${waitingFor.join('; ')}.\n`)
}

/** The first bot that takes it is enough: any other may be the one whose key was stolen. */
const askAny = async (bots: readonly string[], path: string, body: string, kid: string): Promise<Answer> => {
  const failures: string[] = []
  for (const url of bots) {
    try {
      const response = await fetch(new URL(path, url), {
        method: 'POST',
        headers: { 'content-type': 'application/jose' },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(answerWithinMs),
      })
      const text = await response.text()
      if (response.ok) return answerShape.parse(JSON.parse(text))
      failures.push(`${url} says ${response.status} ${text}`)
    } catch (error) {
      failures.push(`${url} does not answer (${(error as Error).message})`)
    }
  }
  throw new Fault('store/unreachable', `no bot took it for "${kid}": ${failures.join('; ')}`, {
    mend: 'try another bot; or write it to a file with --out, and put that beside trusted.json of every part',
  })
}

const liveOf = (signed: Answer['signed'] | undefined): number =>
  signed === undefined ? 0 : signed.passes + signed.offers + signed.requests

const tellAnswer = (kid: string, role: string, answer: Answer, dryRun: boolean): string => {
  const { signed, left, receipt } = answer
  const what = [
    counted(signed.passes, 'pass', 'passes'),
    counted(signed.offers, 'offer'),
    counted(signed.requests, 'request'),
  ].join(', ')
  const locks = signed.locks + signed.lifts
  const lines = dryRun
    ? [
        `Would revoke ${kid} (${role})${answer.already ? ', which is revoked already' : ''}. Nothing was changed.`,
        `It would end ${what}.`,
        ...(answer.heldByThisBot
          ? ['This bot signs with it: it does so no more until it has another key.']
          : []),
      ]
    : [
        `Revoked ${kid} (${role}). It can't be taken back.`,
        `${what} ended${liveOf(left) > 0 ? `, ${liveOf(left)} NOT YET` : ''}.`,
        confirmations(receipt),
      ]
  if (locks > 0)
    lines.push(
      `Locks ${dryRun ? 'it would have signed' : 'being signed'} anew: ${signed.locks}. People it let in again, who ${dryRun ? 'would be' : 'are'} locked out again: ${signed.lifts}.`,
    )
  return `${lines.join('\n')}\n`
}

const confirmations = (receipt: Answer['receipt']): string => {
  if (receipt === undefined) return 'Nobody confirmed.'
  const { confirmed, missing, streamsCut, replicated } = receipt
  const all = confirmed.length + missing.length
  return [
    `${confirmed.length} of ${counted(all, 'proxy', 'proxies')} confirmed, ${counted(streamsCut, 'stream')} cut.`,
    ...(missing.length > 0 ? [`NOT confirmed by ${missing.join(', ')}.`] : []),
    ...(replicated === false ? ['NOT on as many replicas of Redis as are demanded.'] : []),
  ].join(' ')
}
