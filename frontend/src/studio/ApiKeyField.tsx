import { Button } from "@heroui/react/button";
import { Input } from "@heroui/react/input";
import { Label } from "@heroui/react/label";
import { TextField } from "@heroui/react/textfield";
import { useState } from "react";

/** Asks for the key of a service that wants one. It is kept in memory only. */
export default function ApiKeyField({ onKey }: { onKey: (key: string) => void }) {
  const [text, setText] = useState("");
  return (
    <form
      className="mt-3 flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onKey(text.trim());
      }}
    >
      <TextField
        type="password"
        autoComplete="off"
        className="min-w-0 flex-1"
        value={text}
        onChange={setText}
      >
        <Label>API key</Label>
        <Input className="w-full border border-border" />
      </TextField>
      <Button type="submit">Use it</Button>
    </form>
  );
}
