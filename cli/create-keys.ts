import { type Algorithm, createKeys } from '#access/adapters/keys.ts'

/** Makes a folder of keys for each part. One that holds something is left alone, and that is said. */
export const createKeyFolder = async ({
  folder,
  environment,
  assertionAlg,
}: {
  readonly folder: string
  readonly environment: string
  readonly assertionAlg: Algorithm
}): Promise<void> => {
  if (!(await createKeys(folder, environment, assertionAlg)))
    process.stderr.write(`${folder} is not empty: left as it is, no key was made\n`)
}
