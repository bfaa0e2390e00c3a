import { createSealKey } from '#access/adapters/seal-keys.ts'

/** Makes the key of somebody who may seal, and prints the line that makes others trust it. */
export const createSealKeyFile = async ({
  name,
  out,
}: {
  readonly name: string
  readonly out: string
}): Promise<void> => {
  const line = await createSealKey(out, name)
  process.stdout.write(
    `${out} seals as ${name}: keep it to yourself.\n${out}.pub goes into the file that PAGEPASS_RULES_KEYS names:\n${line}\n`,
  )
}
