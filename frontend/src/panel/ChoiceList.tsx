import { ListBox } from "@heroui/react/list-box";
import { Select } from "@heroui/react/select";
import type { ChoiceProps } from "./Choice";

/** HeroUI's select and all that it needs: half as much code again as the rest of the page. */
export default function ChoiceList({ label, options, value, onChange }: ChoiceProps) {
  return (
    <Select aria-label={label} value={value} onChange={(key) => key !== null && onChange(String(key))}>
      <Select.Trigger className="min-h-8 rounded-lg border border-border py-1 ps-2.5 text-xs">
        <Select.Value />
        <Select.Indicator />
      </Select.Trigger>
      <Select.Popover>
        <ListBox>
          {options.map((option) => (
            <ListBox.Item key={option.value} id={option.value} textValue={option.label}>
              {option.label}
              <ListBox.ItemIndicator />
            </ListBox.Item>
          ))}
        </ListBox>
      </Select.Popover>
    </Select>
  );
}
