import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: Vitest reads a configuration from it.
export default defineConfig({
  test: {
    // Only what is about the mutated files: each mutant pays for what is imported.
    include: [
      'test/access/domain/{decide-*,page-rule,path-pattern,route-index,rule-set,standing-grant,time-window}.test.ts',
    ],
    isolate: false,
    testTimeout: 20_000,
  },
})
