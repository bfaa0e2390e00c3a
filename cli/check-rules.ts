import { loadRules } from '#access/runtime/rules.ts'

/** Prints what a rule set says in a few words; faults go to the caller. */
export const checkRules = async (file: string): Promise<void> => {
  const { rules } = await loadRules(file)
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
  const parts = [
    count(rules.services.size, 'service'),
    count(rules.onPage.length, 'page rule'),
    count(rules.onRequest.length, 'request rule'),
  ]
  process.stdout.write(`${file} is sound: ${parts.join(', ')}.\nrules hash ${rules.hash}\n`)
}
