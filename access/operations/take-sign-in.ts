import type { Grant } from '../domain/grant.ts'
import { principalKey } from '../domain/principal.ts'
import { scopeHash } from '../domain/scope.ts'
import { readSignIn } from '../domain/sign-in.ts'
import { type ApproveOutcome, type ApproveParts, approveGrant } from './approve-grant.ts'
import { type BreakGlassParts, breakGlass } from './break-glass.ts'

/**
 * Somebody signed in anew, to approve what has the nonce of that sign-in, or to break the glass by it. Who they are, and what
 * it is about, is said by the token alone; whether it holds is looked at with what they do.
 */
export const takeSignIn = async (
  parts: ApproveParts & BreakGlassParts,
  token: string,
): Promise<ApproveOutcome> => {
  const { directory, live } = parts
  const claims = readSignIn(token)
  if (claims === undefined) return { refused: 'sign-in-refused' }
  const { iss: issuer, sub: subject, nonce } = claims
  const person = directory.byPrincipal(principalKey({ issuer, subject }))
  if (person === undefined) return { refused: 'person-unknown' }
  await live.catchUp()
  const about = [...live.all()].find(({ grant }) => takesSignIn(grant) && scopeHash(grant) === nonce)
  if (about === undefined) return { refused: 'already-decided' }
  const { id, state } = about.grant
  return state === 'pending'
    ? approveGrant(parts, person, id, nonce, token)
    : breakGlass(parts, person, id, token)
}

const takesSignIn = ({ state, why }: Grant): boolean =>
  state === 'pending' || (state === 'offered' && why.kind === 'break-glass')
