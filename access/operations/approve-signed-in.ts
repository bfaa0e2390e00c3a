import { principalKey } from '../domain/principal.ts'
import { scopeHash } from '../domain/scope.ts'
import { readSignIn } from '../domain/sign-in.ts'
import { type ApproveOutcome, type ApproveParts, approveGrant } from './approve-grant.ts'

/**
 * Somebody signed in anew to approve what has the nonce of that sign-in. Who they are, and what it is about, is said by the
 * token alone; whether it holds is looked at with the approval.
 */
export const approveSignedIn = async (parts: ApproveParts, token: string): Promise<ApproveOutcome> => {
  const { directory, live } = parts
  const claims = readSignIn(token)
  if (claims === undefined) return { refused: 'sign-in-refused' }
  const { iss: issuer, sub: subject, nonce } = claims
  const person = directory.byPrincipal(principalKey({ issuer, subject }))
  if (person === undefined) return { refused: 'person-unknown' }
  await live.catchUp()
  const about = [...live.all()].find(({ grant }) => grant.state === 'pending' && scopeHash(grant) === nonce)
  if (about === undefined) return { refused: 'already-decided' }
  return approveGrant(parts, person, about.grant.id, nonce, token)
}
