import { type Algorithm, addKey, type Role } from '#access/adapters/keys.ts'

/** Makes one more key, and prints its public part for everybody's `trusted.json`. */
export const addKeyFile = async ({
  folder,
  role,
  kid,
  assertionAlg,
}: {
  readonly folder: string
  readonly role: Role
  readonly kid: string
  readonly assertionAlg: Algorithm
}): Promise<void> => {
  process.stdout.write(`${JSON.stringify(await addKey(folder, role, kid, assertionAlg))}\n`)
}
