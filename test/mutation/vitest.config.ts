import { defineConfig } from 'vitest/config'

/** The file that is being mutated, without its ending: `access/domain/decide-take`. `main.ts` says which. */
const { MUTATED = 'access/domain/*' } = process.env

// biome-ignore lint/style/noDefaultExport: Vitest reads a configuration from it.
export default defineConfig({
  test: {
    // Tests mirror the tree; each mutant pays for every file that is loaded.
    include: [`test/${MUTATED}{,.*}.test.ts`],
    isolate: false,
    testTimeout: 20_000,
  },
})
