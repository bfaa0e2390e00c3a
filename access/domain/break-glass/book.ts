import type { HeldGrant } from '../held.ts'
import { principalKey } from '../principal.ts'
import type { RuleSet } from '../rule-set.ts'
import { glassRule } from './limits.ts'
import { type Glass, type GlassPass, glassId, readGlass } from './pass.ts'
import { type GlassKeys, glassKeys, signersOf } from './signers.ts'

/** A pass as it was presented, before anybody looked at its signatures. */
export type PresentedGlass = {
  readonly body: Glass
  /** `principalKey` of whom it is for. */
  readonly principal: string
  /** Looks at the signatures; undefined where they don't do. */
  readonly prove: () => HeldGrant | undefined
}

/** Few are ever signed. Only what key holders signed gets in, so nobody else can crowd them out. */
const mostRemembered = 256

/** The break-glass passes that were presented to a process, by their exact text: the same text is verified once. */
export const createGlassBook = (rules: RuleSet) => {
  const { breakGlass } = rules
  const keys: GlassKeys = breakGlass === undefined ? new Map() : glassKeys(breakGlass)
  const proven = new Map<string, PresentedGlass>()

  const prove = (text: string, pass: GlassPass, principal: string): HeldGrant | undefined => {
    const signers = signersOf(pass, keys)
    if (breakGlass === undefined || signers === undefined || signers.length < breakGlass.need)
      return undefined
    const held = heldBy(pass, text, signers, rules)
    if (proven.size >= mostRemembered) for (const oldest of proven.keys()) if (proven.delete(oldest)) break
    proven.set(text, { body: pass.body, principal, prove: () => held })
    return held
  }

  return {
    /** Undefined where it is no pass at all. */
    read: (text: string): PresentedGlass | undefined => {
      const known = proven.get(text)
      if (known !== undefined) return known
      const pass = readGlass(text)
      if (pass === undefined) return undefined
      const { body } = pass
      const principal = principalKey(body.who)
      return { body, principal, prove: () => prove(text, pass, principal) }
    },
    /** How many are remembered. */
    size: (): number => proven.size,
  }
}
export type GlassBook = ReturnType<typeof createGlassBook>

/** What it gives, in the shape of a grant: nobody stores it, and its statement is the pass itself. */
const heldBy = (pass: GlassPass, text: string, keys: readonly string[], rules: RuleSet): HeldGrant => {
  const { environment, who, services, tier, from, until, because, nonce } = pass.body
  return {
    grant: {
      id: glassId(pass),
      version: 1,
      environment,
      state: 'active',
      step: 'given',
      who: { ...who, name: who.subject },
      services,
      tier,
      from,
      until,
      duration: until - from,
      why: { kind: 'break-glass', rule: glassRule, reason: because, keys: [...keys] },
      nonce,
      rules: rules.hash,
      at: from,
    },
    statement: text,
    verified: true,
  }
}

/** Whether this is no grant, but a pass that was signed offline. */
export const isFromOffline = ({ grant: { why } }: HeldGrant): boolean =>
  why.kind === 'break-glass' && why.keys !== undefined
