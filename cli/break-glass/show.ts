import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { fingerprintOf, readSigned } from '#access/adapters/break-glass/sign-pass.ts'
import { type GlassPass, glassId } from '#access/domain/break-glass/pass.ts'
import { isSignedBy, publicKeyOf } from '#access/domain/break-glass/signers.ts'
import { exactDuration } from '#access/domain/duration.ts'
import { Fault } from '#access/domain/errors.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { momentText } from '#access/rules/words.ts'
import { loadRules } from '#access/runtime/rules.ts'

/** Prints what a pass says. */
export const showGlass = async (file: string, { rules }: { readonly rules?: string }): Promise<void> => {
  const pass = readSigned(await readPass(file))
  process.stdout.write(glassWords(pass, rules === undefined ? undefined : (await loadRules(rules)).rules))
}

export const readPass = (file: string): Promise<string> =>
  file === '-'
    ? textOf(process.stdin)
    : readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        throw new Fault('break-glass/invalid', `${file} can't be read (${error.code})`, {
          mend: 'name the file with the pass to co-sign',
        })
      })

/** What a pass says, and whose signatures hold, a line each. */
export const glassWords = (pass: GlassPass, rules: RuleSet | undefined): string => {
  const { who, environment, services, tier, from, until, because } = pass.body
  const names = new Map(
    [...(rules?.breakGlass?.keys ?? [])].map(([name, x]) => [
      Buffer.from(x, 'base64url').toString('hex'),
      name,
    ]),
  )
  const signers = pass.signatures.map((signed) => {
    const name = names.get(signed.key.toString('hex'))
    const called = name ?? (rules === undefined ? '' : 'a key that the rules don’t name')
    const holds = isSignedBy(pass.bytes, signed, publicKeyOf(signed.key))
    return [called, fingerprintOf(signed.key), holds ? '' : '(does not hold)'].filter(Boolean).join(' ')
  })
  const need = rules?.breakGlass?.need
  const rows = [
    ['pass', glassId(pass)],
    ['who', `${who.issuer} ${who.subject}`],
    ['environment', environment],
    ['services', services.join(', ')],
    ['tier', tier],
    ['from', momentText(from)],
    ['until', `${momentText(until)} (${exactDuration(until - from)})`],
    ['because', because],
    ...signers.map((signer, index) => [index === 0 ? 'signed by' : '', signer] as const),
    ...(need === undefined ? [] : [['needed', `${need} of the named keys`] as const]),
  ] as const
  return rows.map(([what, value]) => `${what.padEnd(11)}  ${value}\n`).join('')
}
