/** `npm run lint`. Prettier formats; what is here finds mistakes and keeps the folders in their order. */
import next from "eslint-config-next/core-web-vitals";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const LONGEST_LINE = 110;

/** The folders of src/, lowest first. A file imports from lower rows only, and from its own folder. */
const FLOORS = [
  ["lib", "geometry", "files"],
  ["api"],
  ["photo", "labels"],
  ["results"],
  ["device", "pictures"],
  ["state"],
  ["intake", "panel", "stage"],
  ["studio"],
  ["app"],
];

const floors = FLOORS.flatMap((floor, at) =>
  floor.map((folder) => {
    const others = FLOORS.slice(at)
      .flat()
      .filter((other) => other !== folder);
    return {
      files: [`src/${folder}/**`],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: [
              {
                group: ["../*", ...others.map((other) => `@/${other}/*`)],
                message: `${folder}/ imports from lower FLOORS only, as "@/folder/file".`,
              },
            ],
          },
        ],
      },
    };
  }),
);

export default defineConfig(
  globalIgnores([".next/", "out/", "out-remote/", "next-env.d.ts", "src/api/schema.d.ts"]),
  ...next,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      // noUncheckedIndexedAccess cannot see that a loop over pixels stays within them
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    rules: {
      "max-len": ["error", { code: LONGEST_LINE }],
      "import/no-cycle": "error",
      "@next/next/no-img-element": "off", // pictures are object URLs in a static export: nothing to optimise
    },
  },
  ...floors,
);
