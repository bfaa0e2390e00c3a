import { signerInFile } from '#access/adapters/break-glass/key-files.ts'
import { fingerprintOf } from '#access/adapters/break-glass/sign-pass.ts'
import type { GlassSigner } from '#access/adapters/break-glass/signer.ts'
import { agentSigners } from '#access/adapters/break-glass/ssh-agent.ts'
import { Fault } from '#access/domain/errors.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { isNamed } from './check-by-rules.ts'

export type ChooseOptions = { readonly key?: string; readonly agentKey?: string }

/** The key in the file that is named, or else the one key of the SSH agent that can be meant. */
export const chooseSigner = async (
  { key, agentKey }: ChooseOptions,
  rules: RuleSet | undefined,
  { SSH_AUTH_SOCK: socket }: NodeJS.ProcessEnv,
): Promise<GlassSigner> => {
  if (key !== undefined) return signerInFile(key)
  if (socket === undefined || socket === '')
    throw new Fault('keys/missing', 'there is no SSH agent (SSH_AUTH_SOCK is not set)', {
      mend: 'name a key file with --key FILE, or start an agent',
    })
  const all = await agentSigners(socket)
  const meant = all.filter(
    (one) => agentKey === undefined || one.comment === agentKey || fingerprintOf(one.key) === agentKey,
  )
  const counting = rules === undefined ? meant : meant.filter((one) => isNamed(one.key, rules))
  const [only, ...others] = counting
  if (only !== undefined && others.length === 0) return only
  const list = all.map((one) => `${fingerprintOf(one.key)} ${JSON.stringify(one.comment)}`).join(', ')
  throw new Fault(
    'keys/missing',
    only === undefined
      ? 'the SSH agent holds no Ed25519 key that could sign this'
      : 'the SSH agent holds several keys that could sign this',
    { mend: all.length === 0 ? 'add one with ssh-add' : `name one with --agent-key; it holds: ${list}` },
  )
}
